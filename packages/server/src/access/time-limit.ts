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
    async decide(call) {
      try {
        const answer = engine.decide(call)
        return answer instanceof Promise ? await inTime(answer) : answer
      } catch (error) {
        report({ why: 'failed', error })
        return null
      }
    },
  }

  async function inTime(answer: Promise<Ruling>): Promise<Ruling | null> {
    let timer: NodeJS.Timeout | undefined
    const tooSlow = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, limitMilliseconds, null)
    })
    const ruling = await Promise.race([answer, tooSlow]).finally(() => clearTimeout(timer))
    if (ruling === null) report({ why: 'too-slow' })
    return ruling
  }
}
