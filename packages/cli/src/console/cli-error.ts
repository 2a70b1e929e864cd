/** Failures of the command itself: how it was called, and what it was answered. */
export type CliErrorCode =
  | 'wrong-use'
  | 'terminal-needed'
  | 'name-ambiguous'
  | 'name-unknown'
  | 'nothing-to-do'
  | 'already-sent'
  | 'not-installed'
  | 'refused'
  | 'expired'
  | 'cancelled'
  | 'withdrawn'
  | 'answered-no'
  | 'admin-only-here'
  | 'server-not-here'
  | 'unreachable'
  | 'still-waiting'
  | 'stopped'
  | 'not-supported-here'

/** `message` says why, `more` what else is worth to know, `hint` what to do now. They carry no secret. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly more: string | null
  readonly hint: string | null
  constructor(code: CliErrorCode, why: string, options: { more?: string; hint?: string; cause?: unknown } = {}) {
    super(why, { cause: options.cause })
    this.code = code
    this.more = options.more ?? null
    this.hint = options.hint ?? null
  }
}
