/** One thing that a doctor looked at. `hint` says what to do; without one there is nothing to do. */
export interface Finding {
  readonly what: string
  readonly state: 'ok' | 'care' | 'bad'
  readonly text: string
  readonly hint: string | null
}

export function ok(what: string, text: string): Finding {
  return { what, state: 'ok', text, hint: null }
}
export function care(what: string, text: string, hint: string): Finding {
  return { what, state: 'care', text, hint }
}
export function bad(what: string, text: string, hint: string): Finding {
  return { what, state: 'bad', text, hint }
}
