import { type DeliveryId, KeyferryError } from '@keyferry/protocol'
import type { Answer } from '../client/client.ts'
import { asOlderLog } from '../own/older-log.ts'
import type { AgentParts } from './parts.ts'

/** What became of a step: it came further; nothing is to do now; the human is asked; ask again after so many seconds. */
export type StepResult =
  | { readonly kind: 'moved' | 'done' | 'waits' }
  | { readonly kind: 'again'; readonly afterSeconds: number }

const DONE: StepResult = { kind: 'done' }
const ASK_AGAIN_SECONDS = 60

export async function refuse(parts: AgentParts, dl: DeliveryId, reason: string): Promise<StepResult> {
  await callOrGone(() => parts.client.call({ method: 'POST', path: `/v1/deliveries/${dl}/refusal`, json: { reason } }))
  return DONE
}

export function again(parts: AgentParts, dl: DeliveryId, error: KeyferryError): StepResult {
  const wait = error.details.retryAfter
  const afterSeconds = typeof wait === 'number' ? wait : ASK_AGAIN_SECONDS
  parts.report({ kind: 'later', dl, reason: error.code, why: error.message, againInSeconds: afterSeconds })
  return { kind: 'again', afterSeconds }
}

/**
 * An answer with proofs from the last checkpoint on; null where there is nothing left to do.
 * @param gone - is told why.
 */
export function askSince(
  parts: AgentParts,
  path: string,
  since: number,
  gone?: (error: KeyferryError) => void,
): Promise<Answer | null> {
  const ask = (from: number): Promise<Answer> => parts.client.call({ method: 'GET', path: `${path}?since=${from}` })
  return callOrGone(async () => {
    try {
      return await ask(since)
    } catch (error) {
      const why = await asOlderLog(parts, error)
      // A new log, perhaps, of which the own set in the answer tells (PROTOCOL 10): there the size of the old one means nothing.
      if (why === error && isMalformed(error) && since > 0) return ask(0)
      throw why
    }
  }, gone)
}

function isMalformed(error: unknown): boolean {
  return error instanceof KeyferryError && error.code === 'malformed'
}

const GONE: ReadonlySet<string> = new Set([
  'not-found',
  'delivery-closed',
  'state-conflict',
  'access-denied',
  'already-collected',
])

/** Null where the delivery has moved on or ended: nothing is left to do for it here. */
export async function callOrGone<T>(call: () => Promise<T>, gone?: (error: KeyferryError) => void): Promise<T | null> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof KeyferryError) || !GONE.has(error.code)) throw error
    gone?.(error)
    return null
  }
}
