import { type DeliveryId, type KeyTransferAnswer, type Ref, readEnvelope } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { userStatementOf } from './certificates.ts'
import { afterOthers } from './conflict.ts'
import { findAsTarget, requireState } from './find.ts'
import { endingOf, partiesOf, requireNotEnded } from './parties.ts'
import { openSealedEnvelope } from './sealed-envelope.ts'
import { loggedStatements } from './statements-for.ts'

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
  return afterOthers(() => infoOnce(context, caller, dl, since))
}

async function infoOnce(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  since: number,
): Promise<KeyTransferAnswer> {
  const { delivery } = await findAsTarget(context, caller, dl)
  requireState(delivery, 'released', 'collected')
  const parties = await partiesOf(context, delivery)
  await requireNotEnded(context, delivery, await endingOf(context, delivery, parties))
  const { sourceUser, targetUser } = parties
  const envelope = readEnvelope(await openSealedEnvelope(context, delivery))
  const refs: Ref[] = [sourceUser.setRef, targetUser.setRef]
  for (const user of new Set([delivery.owner, delivery.targetUser])) {
    const certificate = await userStatementOf(context, user)
    if (certificate !== null) refs.push(certificate)
  }
  const { grant } = envelope.order.payload
  if (grant !== undefined) refs.push(grant)
  const logged = await loggedStatements(context, refs, [envelope.order.ref, envelope.ref], since)
  return { v: 1, binding: envelope.payload.binding, envelope: envelope.ref, ...logged }
}
