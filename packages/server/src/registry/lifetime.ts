import { type EpochSeconds, type ErrorCode, inTime, KeyferryError, type Validity } from '@keyferry/protocol'

/**
 * A statement is put while it counts: nobody could use it later (PROTOCOL 1).
 * @throws {KeyferryError} `invalid` if its time has not come, `expired` if it is over.
 */
export function requireInTime(
  validity: Validity,
  now: EpochSeconds,
  codes: { readonly invalid: ErrorCode; readonly expired: ErrorCode },
): void {
  const time = inTime(validity, now)
  if (time === 'early') throw new KeyferryError(codes.invalid, 'it is not valid yet')
  if (time === 'expired') throw new KeyferryError(codes.expired, 'it has expired')
}

export const STATEMENT_TIMES = { invalid: 'statement-invalid', expired: 'statement-expired' } as const
export const SET_TIMES = { invalid: 'set-invalid', expired: 'set-expired' } as const
