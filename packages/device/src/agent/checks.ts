import { ALARMS, type DeliveryId, KeyferryError, type KeyId, NOT_YET } from '@keyferry/protocol'
import { forkOf, keepFork } from '../own/forked-log.ts'
import type { AgentParts } from './parts.ts'

/** What came of checks: their result; the slug of the first that failed; or nothing yet, to be asked again. */
export type Checked<T> =
  | { readonly kind: 'passed'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: KeyferryError }
  | { readonly kind: 'not-yet'; readonly error: KeyferryError }

/**
 * Runs checks of PROTOCOL 9 and sorts what they throw. What is no KeyferryError (no network, a bug) is thrown on: it says nothing
 * about the delivery.
 */
export async function runChecks<T>(checks: () => Promise<T>): Promise<Checked<T>> {
  try {
    return { kind: 'passed', value: await checks() }
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error
    // `unavailable` and `state-conflict` of our own store: somebody was first, look again.
    const isLater = NOT_YET.has(error.code) || error.code === 'unavailable' || error.code === 'state-conflict'
    return { kind: isLater ? 'not-yet' : 'failed', error }
  }
}

/** Every refusal goes to the device's own log; some also alarm its human (PROTOCOL 9), with what proves it. */
export async function noteRefusal(
  parts: AgentParts,
  refusal: {
    readonly dl: DeliveryId
    readonly attempt: number
    readonly role: 'source' | 'target'
    readonly key: KeyId | null
    readonly error: KeyferryError
  },
): Promise<void> {
  const { dl, attempt, role, key, error } = refusal
  const reason = error.code
  const at = parts.now()
  parts.store.refusals.append({ at, role, dl, attempt, reason, key })
  const alarm = ALARMS.has(reason)
  const fork = forkOf(error)
  if (alarm && fork === null) {
    parts.store.alarms.raise({ reason, subject: dl, facts: { attempt, why: error.message }, at })
  }
  const label = key === null ? null : (parts.store.keys.find(key)?.label ?? null)
  parts.report({
    kind: 'refused',
    dl,
    role,
    reason,
    why: error.message,
    label,
    alarm,
    byHuman: error.details.by === 'human',
  })
  if (fork !== null) await keepFork(parts, fork)
}
