import type { CheckSlug } from './checks.ts'
import type { ProblemCode } from './http/problems.ts'

/** What a failure is called: a problem of PROTOCOL 16, or a check of PROTOCOL 9 with its slug. */
export type ErrorCode = ProblemCode | CheckSlug

/** Further members of a problem (PROTOCOL 16, in brackets there): `check`, `reason`, `stage`, `state`, `max`, `kind`, `left`. */
export type ErrorDetails = Readonly<Record<string, string | number>>

/** A failure the caller can act on. `code` is API; `message` is for people and carries no secret and no input. */
export class KeyferryError extends Error {
  override readonly name = 'KeyferryError'
  readonly code: ErrorCode
  readonly details: ErrorDetails
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.details = details
  }
}

/** Runs `action`; a KeyferryError it throws comes out with `code` instead of its own, the first one as its cause. */
export function withErrorCode<T>(code: ErrorCode, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof KeyferryError) throw new KeyferryError(code, error.message, {}, { cause: error })
    throw error
  }
}
