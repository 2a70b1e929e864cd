import { hash } from 'node:crypto'
import { type DeliveryId, isTerminal, KeyferryError, type Ref, readEnvelope } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { leafChange } from '../registry/statement-row.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { checkEnvelope } from './check-envelope.ts'
import { asCheckOf } from './check-error.ts'
import { afterOthers } from './conflict.ts'
import { decideOne } from './decide.ts'
import { findAsSource, requireAttempt, requireState, stateError } from './find.ts'
import { orderChange } from './order-change.ts'
import { otherEndingOf, partiesOf, requireNotEnded } from './parties.ts'
import { sealEnvelope } from './sealed-envelope.ts'
import { step } from './step.ts'
import { supersededChanges } from './superseded.ts'
import { wakeChanges } from './wake.ts'

export interface Deposited {
  readonly envelope: Ref
  readonly state: DeliveryRow['state']
  readonly reason?: string
  readonly created: boolean
}

/**
 * E5: takes the envelope, blind (PROTOCOL 9.2). Once this resolves it is durable. The same octets again change nothing.
 * @throws {KeyferryError} `not-found`, `too-large`, `state-conflict`, `envelope-exists`, `delivery-closed`, `envelope-invalid` with
 *   `check`
 */
export async function deposit(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  attempt: number,
  octets: Uint8Array,
): Promise<Deposited> {
  const deposited = await afterOthers(() => depositOnce(context, caller, dl, attempt, octets))
  return deposited.created ? afterDecision(context, dl, deposited) : deposited
}

async function depositOnce(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  attempt: number,
  octets: Uint8Array,
): Promise<Deposited> {
  const { delivery } = await findAsSource(context, caller, dl)
  if (octets.length > context.limits.envelopeBytes) {
    throw new KeyferryError('too-large', 'the envelope is too large', { max: context.limits.envelopeBytes })
  }
  requireAttempt(delivery, attempt)
  const digest = hash('sha256', octets, 'base64url')
  if (delivery.envelopeRef !== null) return repeated(delivery, digest)
  requireState(delivery, 'admitted')
  const parties = await partiesOf(context, delivery)
  await requireNotEnded(context, delivery, await otherEndingOf(context, delivery, parties))
  const envelope = await asCheckOf('envelope-invalid', async () => {
    const read = readEnvelope(octets)
    await checkEnvelope(context, delivery, parties, read)
    return read
  })
  const { order } = envelope
  const deposited = step(context, delivery, 'deposit', {
    orderRef: order.ref,
    envelopeRef: envelope.ref,
    envelopeDigest: digest,
  })
  const { owner } = delivery
  await context.commit([
    ...deposited.changes,
    // The order stays as evidence; order and envelope become leaves now (PROTOCOL 11).
    orderChange(context, delivery, order),
    leafChange(context.origin, { typ: 'kf-order+jwt', ref: order.ref, owner, dl }),
    leafChange(context.origin, { typ: 'kf-envelope+jws', ref: envelope.ref, owner, dl }),
    { kind: 'insert-envelope', row: sealEnvelope(context.random, dl, attempt, octets) },
    ...(await supersededChanges(context, deposited.delivery)),
    ...(await wakeChanges(context, deposited.delivery)),
  ])
  context.statements.keep(order)
  return view(deposited.delivery, true)
}

function repeated(delivery: DeliveryRow, digest: string): Deposited {
  if (delivery.envelopeDigest === digest) return view(delivery, false)
  if (isTerminal(delivery.state)) throw stateError(delivery)
  throw new KeyferryError('envelope-exists', 'another envelope was deposited for this attempt', {
    state: delivery.state,
  })
}

function view(delivery: DeliveryRow, created: boolean): Deposited {
  return {
    envelope: delivery.envelopeRef as Ref,
    state: delivery.state,
    ...(delivery.reason === null ? {} : { reason: delivery.reason }),
    created,
  }
}

/** AC2 at once if the target's proof is fresh: a deposit that it refuses is 201 with `state` `refused` (PROTOCOL 16). */
async function afterDecision(context: ServerContext, dl: DeliveryId, deposited: Deposited): Promise<Deposited> {
  const delivery = await context.read.delivery(dl)
  const proof = delivery === null ? null : context.proofs.fresh(delivery.target, context.clock.now())
  if (delivery?.state !== 'deposited' || proof === null) return deposited
  await decideOne(context, delivery, proof)
  return view((await context.read.delivery(dl)) ?? delivery, true)
}
