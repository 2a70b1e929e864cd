import { type DeliveryId, type KeyTransferAnswer, type Ref, readEnvelope } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { findAsTarget, requireState } from './find.ts'
import { openSealedEnvelope } from './sealed-envelope.ts'
import { loggedStatements, userStatementOf } from './statements-for.ts'
import { partiesOf } from './transport-key-info.ts'

/**
 * T1/T2: what the target needs to check before it opens (PROTOCOL 7).
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`, `malformed`, `unavailable`
 */
export async function keyTransferInfo(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  since: number,
): Promise<KeyTransferAnswer> {
  const delivery = await findAsTarget(context, caller, dl)
  requireState(delivery, 'released', 'collected')
  const { sourceUser, targetUser } = await partiesOf(context, delivery)
  const envelope = readEnvelope(await openSealedEnvelope(context, delivery))
  const refs: Ref[] = [sourceUser.setRef, targetUser.setRef]
  for (const user of new Set([delivery.owner, delivery.targetUser])) {
    const certified = await userStatementOf(context, user)
    if (certified !== null) refs.push(certified)
  }
  if (envelope.order.payload.grant !== undefined) refs.push(envelope.order.payload.grant)
  const logged = await loggedStatements(context, refs, loggedRefs(delivery), since)
  return { v: 1, binding: envelope.payload.binding, envelope: envelope.ref, ...logged } as KeyTransferAnswer
}

function loggedRefs(delivery: DeliveryRow): readonly Ref[] {
  return [delivery.orderRef, delivery.envelopeRef].filter((ref) => ref !== null)
}
