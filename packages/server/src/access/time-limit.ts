import type { AccessDecision, AccessEngine, Ruling } from './access-decision.ts'

/** An engine that takes longer has not decided (PROTOCOL 6). */
const LIMIT_MILLISECONDS = 2000

/** Why there was no decision: for the log, never for the caller. */
export type NoDecision = { readonly why: 'failed'; readonly error: unknown } | { readonly why: 'too-slow' }

/**
 * Turns an engine that may fail or hang into a port that answers in time or says that there is no decision.
 * A late answer is dropped.
 */
export function inTimeOrNot(
  engine: AccessEngine,
  report: (what: NoDecision) => void,
  limitMilliseconds: number = LIMIT_MILLISECONDS,
): AccessDecision {
  return {
    get policyHash() {
      return engine.policyHash
    },
    decide(call) {
      return new Promise<Ruling | null>((resolve) => {
        const timer = setTimeout(() => settle(null, { why: 'too-slow' }), limitMilliseconds)
        let settled = false
        function settle(ruling: Ruling | null, problem?: NoDecision): void {
          if (settled) return
          settled = true
          clearTimeout(timer)
          if (problem !== undefined) report(problem)
          resolve(ruling)
        }
        Promise.try(() => engine.decide(call)).then(settle, (error: unknown) => settle(null, { why: 'failed', error }))
      })
    },
  }
}
