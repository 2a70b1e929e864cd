import { hash } from 'node:crypto'
import {
  type DeliveryId,
  type Envelope,
  KeyferryError,
  orderStatement,
  type Ref,
  readEnvelope,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { checkEnvelope } from './check-envelope.ts'
import { asCheckOf } from './check-error.ts'
import { decideOne, wakeChanges } from './decide.ts'
import { findAsSource, requireAttempt, requireState } from './find.ts'
import { deliverySubject, leafFor } from './leaves.ts'
import { sealEnvelope } from './sealed-envelope.ts'
import { step } from './step.ts'
import { supersededChanges } from './superseded.ts'
import { partiesOf } from './transport-key-info.ts'

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
  const delivery = await findAsSource(context, caller, dl)
  if (octets.length > context.limits.envelopeBytes) {
    throw new KeyferryError('too-large', 'the envelope is too large', { max: context.limits.envelopeBytes })
  }
  requireAttempt(delivery, attempt)
  const digest = hash('sha256', octets, 'base64url')
  if (delivery.envelopeRef !== null) return repeated(delivery, digest)
  requireState(delivery, 'admitted')
  const envelope = await asCheckOf('envelope-invalid', async () => {
    const parties = await partiesOf(context, delivery)
    return checkEnvelope(context, delivery, parties, readEnvelope(octets))
  })
  const deposited = step(context, delivery, 'deposit', {
    orderRef: envelope.order.ref,
    envelopeRef: envelope.ref,
    envelopeDigest: digest,
  })
  await context.commit([
    ...deposited.changes,
    ...(await evidenceChanges(context, delivery, envelope)),
    { kind: 'insert-envelope', row: sealEnvelope(context.random, dl, attempt, octets) },
    ...(await supersededChanges(context, deposited.delivery)),
    ...(await wakeChanges(context, deposited.delivery)),
  ])
  return afterDecision(context, deposited.delivery)
}

function repeated(delivery: DeliveryRow, digest: string): Deposited {
  if (delivery.envelopeDigest !== digest) {
    throw new KeyferryError('envelope-exists', 'another envelope was deposited for this attempt', {
      state: delivery.state,
    })
  }
  return view(delivery, false)
}

function view(delivery: DeliveryRow, created: boolean): Deposited {
  return {
    envelope: delivery.envelopeRef as Ref,
    state: delivery.state,
    ...(delivery.reason === null ? {} : { reason: delivery.reason }),
    created,
  }
}

/** The order stays as evidence; order and envelope become leaves at deposit (PROTOCOL 11). */
async function evidenceChanges(
  context: ServerContext,
  delivery: DeliveryRow,
  envelope: Envelope,
): Promise<readonly Change[]> {
  const subject = deliverySubject(delivery.owner, delivery.dl)
  return [
    {
      kind: 'put-statement',
      row: {
        ref: envelope.order.ref,
        typ: orderStatement.typ,
        user: delivery.owner,
        subject: delivery.dl,
        seq: delivery.attempt,
        text: envelope.order.text,
        createdAt: context.clock.now(),
      },
    },
    leafFor(context.origin, orderStatement.typ, envelope.order.ref, subject),
    leafFor(context.origin, 'kf-envelope+jws', envelope.ref, subject),
  ]
}

/** AC2 at once if the target's proof is fresh: a deposit that it refuses is 201 with `state` `refused` (PROTOCOL 16). */
async function afterDecision(context: ServerContext, delivery: DeliveryRow): Promise<Deposited> {
  const proof = context.proofs.fresh(delivery.target, context.clock.now())
  if (proof === null) return view(delivery, true)
  await decideOne(context, delivery, proof)
  return view((await context.read.delivery(delivery.dl)) ?? delivery, true)
}
