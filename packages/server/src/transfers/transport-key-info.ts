import { type DeliveryId, KeyferryError, orderStatement, type Ref, type TransportKeyInfo } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { certificatesOf } from './certificates.ts'
import { afterOthers } from './conflict.ts'
import { evaluate } from './evaluate.ts'
import { findDelivery, noDelivery, requireState } from './find.ts'
import { liveGrantOf } from './grants.ts'
import { commonOptions } from './options.ts'
import { ownProof } from './own-proof.ts'
import { endingOf, type Parties, partiesOf, requireNotEnded } from './parties.ts'
import { loggedStatements } from './statements-for.ts'
import { step } from './step.ts'
import { termsOf } from './terms.ts'

/**
 * S1/S2: what the source needs to know to wrap (PROTOCOL 7, KtI). AC1 is asked again first.
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`, `access-denied`, `malformed`, `unavailable`
 */
export async function transportKeyInfo(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  since: number,
): Promise<TransportKeyInfo> {
  return afterOthers(() => infoOnce(context, caller, dl, since))
}

async function infoOnce(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  since: number,
): Promise<TransportKeyInfo> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.source && !as.orderBy) throw noDelivery()
  requireState(delivery, 'admitted')
  const parties = await partiesOf(context, delivery)
  await requireNotEnded(context, delivery, await endingOf(context, delivery, parties))
  await askAgain(context, caller, delivery, parties)
  const { source, target, sourceUser, targetUser } = parties
  const [from, to, order, [certificate]] = await Promise.all([
    context.statements.device(source.statementRef),
    context.statements.device(target.statementRef),
    delivery.orderRef === null ? null : context.statements.read(orderStatement, delivery.orderRef),
    certificatesOf(context, delivery.targetUser),
  ])
  const facts = { suites: context.suites, owner: delivery.owner, now: context.clock.now() }
  const grant = order === null ? await grantFor(context, delivery) : (order.payload.grant ?? null)
  const refs = [sourceUser.setRef, targetUser.setRef, source.statementRef, target.statementRef]
  if (certificate !== undefined) refs.push(certificate.ref)
  if (grant !== null) refs.push(grant)
  return {
    v: 1,
    ...termsOf(context.origin, delivery),
    source: { device: source.id, set: sourceUser.setRef, statement: source.statementRef },
    target: {
      device: target.id,
      user: target.user,
      ...(certificate === undefined ? {} : { username: certificate.payload.username }),
      set: targetUser.setRef,
      statement: target.statementRef,
    },
    options: commonOptions(from.payload, to.payload, facts).map(({ option }) => option),
    ...(order === null ? {} : { order: order.text }),
    maxBytes: context.limits.envelopeBytes,
    ...(await loggedStatements(context, refs, [], since)),
  }
}

async function grantFor(context: ServerContext, delivery: DeliveryRow): Promise<Ref | null> {
  if (delivery.orderBy === 'source') return null
  const key = { id: delivery.keyId, owner: delivery.owner, class: delivery.key.class }
  return (await liveGrantOf(context, key, delivery.orderBy))?.ref ?? null
}

/**
 * Row 4: a denial now refuses; no decision, or conditions, is 503. A permit that only repeats the first leaves no second record.
 * Where somebody else orders, his own request stands for the proof of a source that may be offline.
 */
async function askAgain(
  context: ServerContext,
  caller: Caller,
  delivery: DeliveryRow,
  parties: Parties,
): Promise<void> {
  const proof = context.proofs.fresh(delivery.source, context.clock.now()) ?? ownProof(context, caller)
  const decision = await evaluate(context, delivery, parties, 'admit', proof)
  if (decision?.outcome === 'permit') return
  if (decision?.outcome === 'deny') {
    const { reason } = decision
    const denied = step(context, delivery, 'refuse', { stage: 'ac1', reason })
    await context.commit([...denied.changes, ...(await decision.record())])
    throw new KeyferryError('access-denied', 'this transfer is no longer permitted', { stage: 'ac1', reason })
  }
  throw new KeyferryError('unavailable', 'no access decision now', { retryAfter: 5 })
}
