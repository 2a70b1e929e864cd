import { type DeliveryId, KeyferryError, MAX_COLLECTIONS } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { afterOthers } from './conflict.ts'
import { evaluate } from './evaluate.ts'
import { findAsTarget, requireState } from './find.ts'
import { ownProof } from './own-proof.ts'
import { endingOf, partiesOf, requireNotEnded } from './parties.ts'
import { openSealedEnvelope } from './sealed-envelope.ts'
import { step } from './step.ts'

/**
 * E8/E9: the target takes the envelope; its octets come back unchanged. Policy is asked again (rows 9 and 10 of PROTOCOL 5).
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`, `already-collected`, `access-denied`, `code-required`,
 *   `unavailable`
 */
export async function collect(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Uint8Array> {
  return afterOthers(() => collectOnce(context, caller, dl))
}

async function collectOnce(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Uint8Array> {
  const { delivery } = await findAsTarget(context, caller, dl)
  requireState(delivery, 'released', 'collected')
  if (delivery.collections >= MAX_COLLECTIONS) {
    throw new KeyferryError('already-collected', 'the envelope was collected as often as allowed', {
      state: delivery.state,
    })
  }
  const parties = await partiesOf(context, delivery)
  await requireNotEnded(context, delivery, await endingOf(context, delivery, parties))
  const decision = await evaluate(context, delivery, parties, 'collect', ownProof(context, caller))
  if (decision === null) throw new KeyferryError('unavailable', 'no access decision now', { retryAfter: 5 })
  if (decision.outcome === 'deny') {
    const { reason } = decision
    const denied = step(context, delivery, 'refuse', { stage: 'ac2', reason })
    await context.commit([...denied.changes, ...(await decision.record())])
    throw new KeyferryError('access-denied', 'this key may no longer be collected', { stage: 'ac2', reason })
  }
  if (decision.waitingFor.includes('code')) {
    throw new KeyferryError('code-required', 'a one-time code is asked for, and this server has none', { kind: 'totp' })
  }
  if (decision.outcome === 'wait') {
    throw new KeyferryError('unavailable', 'conditions are not met yet', { retryAfter: 60 })
  }
  const octets = await openSealedEnvelope(context, delivery)
  await context.commit([...step(context, delivery, 'collect').changes, ...(await decision.record())])
  return octets
}
