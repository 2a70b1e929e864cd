import { type DeliveryId, KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { Proof } from '../access/proof-windows.ts'
import type { ServerContext } from '../context.ts'
import { isConflict } from './conflict.ts'
import { evaluate } from './decide.ts'
import { findAsTarget, requireState } from './find.ts'
import { openSealedEnvelope } from './sealed-envelope.ts'
import { step } from './step.ts'

const MAX_COLLECTIONS = 3

/**
 * E8/E9: the target takes the envelope; its octets come back unchanged. Policy is asked again (rows 9 and 10 of PROTOCOL 5).
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`, `already-collected`, `access-denied`, `unavailable`
 */
export async function collect(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Uint8Array> {
  const delivery = await findAsTarget(context, caller, dl)
  requireState(delivery, 'released', 'collected')
  if (delivery.collections >= MAX_COLLECTIONS) {
    throw new KeyferryError('already-collected', 'the envelope was collected as often as allowed', {
      state: delivery.state,
    })
  }
  const now = context.clock.now()
  const own: Proof = { method: caller.type === 'device' ? caller.method : 'device-signature', at: now }
  const decision = await evaluate(context, delivery, 'collect', own)
  if (decision === null) throw new KeyferryError('unavailable', 'no access decision now', { retryAfter: 5 })
  if (decision.outcome === 'deny') {
    const denied = step(context, delivery, 'refuse', { stage: 'ac2', reason: decision.reason })
    await context.commit([...denied.changes, ...decision.changes])
    throw new KeyferryError('access-denied', 'this key may no longer be collected', {
      stage: 'ac2',
      reason: decision.reason,
    })
  }
  if (decision.outcome === 'wait')
    throw new KeyferryError('unavailable', 'conditions are not met yet', { retryAfter: 60 })
  const octets = await openSealedEnvelope(context, delivery)
  const collected = step(context, delivery, 'collect', { collections: delivery.collections + 1 })
  try {
    await context.commit([...collected.changes, ...decision.changes])
  } catch (error) {
    // Lost against a sweep or a cancellation: the state says which.
    if (isConflict(error)) return collect(context, caller, dl)
    throw error
  }
  return octets
}
