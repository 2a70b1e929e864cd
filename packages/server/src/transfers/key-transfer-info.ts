import {
  type DeliveryId,
  fromBase64url,
  fromUtf8,
  type KeyTransferAnswer,
  orderStatement,
  type Ref,
} from '@keyferry/protocol'
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
  const order = await context.statements.read(orderStatement, delivery.orderRef as Ref)
  const envelope = delivery.envelopeRef as Ref
  const refs: Ref[] = [sourceUser.setRef, targetUser.setRef]
  for (const user of new Set([delivery.owner, delivery.targetUser])) {
    const certificate = await userStatementOf(context, user)
    if (certificate !== null) refs.push(certificate)
  }
  const { grant } = order.payload
  if (grant !== undefined) refs.push(grant)
  const logged = await loggedStatements(context, refs, [order.ref, envelope], since)
  return { v: 1, binding: bindingOf(await openSealedEnvelope(context, delivery)), envelope, ...logged }
}

/** The envelope was read strictly when it was deposited, and sealed since: this only takes it apart. */
function bindingOf(octets: Uint8Array): string {
  const { payload } = JSON.parse(fromUtf8(octets)) as { payload: string }
  return (JSON.parse(fromUtf8(fromBase64url(payload))) as { binding: string }).binding
}
