const DAY_SECONDS = 86_400
/** Where the root key renews sets unattended (PROTOCOL 2.2). */
export const SET_LIFE_SECONDS: number = 7 * DAY_SECONDS
export const STATEMENT_LIFE_SECONDS: number = 90 * DAY_SECONDS
