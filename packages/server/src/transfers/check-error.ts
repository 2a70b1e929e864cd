import { KeyferryError, PROBLEMS, type ProblemCode } from '@keyferry/protocol'

/** 4xx of the transfer itself, as opposed to a check of what was put (PROTOCOL 9.2, D1). */
const NOT_A_CHECK: ReadonlySet<string> = new Set<ProblemCode>(['not-found', 'unavailable', 'read-only'])

/**
 * Runs checks of PROTOCOL 9.2; one that fails comes out as the problem `code` (422) with its slug as `check`.
 * What is no check (a party gone, a server in trouble) stays what it is.
 */
export async function asCheckOf<T>(
  code: 'envelope-invalid' | 'order-invalid' | 'receipt-invalid' | 'statement-invalid',
  checks: () => Promise<T>,
): Promise<T> {
  try {
    return await checks()
  } catch (error) {
    if (!(error instanceof KeyferryError) || NOT_A_CHECK.has(error.code) || 'check' in error.details) throw error
    throw new KeyferryError(code, `${PROBLEMS[code].title}: ${error.message}`, { check: error.code }, { cause: error })
  }
}
