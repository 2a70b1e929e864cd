import {
  CLOCK_SKEW_SECONDS,
  checkWrapped,
  deviceSetStatement,
  deviceStatement,
  type Envelope,
  findOffer,
  KeyferryError,
  orderEqualsKeyTransferInfo,
  type Ref,
  reachesExposure,
  verifyEnvelope,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { checkOrder } from './check-order.ts'
import { checkParties } from './check-parties.ts'
import { isOwnCheckpoint } from './own-checkpoint.ts'
import type { Parties } from './parties.ts'

/** D2 to D6 of PROTOCOL 9.2, in their order; the first failure decides. The envelope was read strictly. */
export async function checkEnvelope(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  envelope: Envelope,
): Promise<void> {
  await checkSignature(context, parties, envelope) // D2
  await checkOrder(context, delivery, parties, envelope.order) // D3
  await checkParties(context, delivery, parties, envelope.order.payload) // D4
  await checkBinding(context, delivery, envelope) // D5
  await checkWrappedKey(context, parties, envelope) // D6
}

/** Whether the source may still speak is asked by D3 and D4. */
async function checkSignature(context: ServerContext, { source }: Parties, envelope: Envelope): Promise<void> {
  const { jwk } = (await context.statements.device(source.statementRef)).payload
  if (envelope.kid !== source.id || !(await verifyEnvelope(envelope, jwk))) {
    throw new KeyferryError('signature-invalid', 'the envelope is not signed by the source')
  }
}

/** D5: the KTI says what order and delivery say, and relies on what this server knows. */
async function checkBinding(context: ServerContext, delivery: DeliveryRow, envelope: Envelope): Promise<void> {
  const { kti } = envelope
  const order = envelope.order.payload
  const now = context.clock.now()
  const relies = await Promise.all([
    isStatement(context, kti.srcSet, deviceSetStatement.typ, delivery.owner, ''),
    isStatement(context, kti.dstSet, deviceSetStatement.typ, delivery.targetUser, ''),
    isStatement(context, kti.dstStatement, deviceStatement.typ, delivery.targetUser, delivery.target),
    isOwnCheckpoint(context, kti.checkpoint),
  ])
  const holds =
    kti.order === envelope.order.ref &&
    orderEqualsKeyTransferInfo(order, kti) &&
    relies.every(Boolean) &&
    order.iat - CLOCK_SKEW_SECONDS <= kti.iat &&
    kti.iat <= now + CLOCK_SKEW_SECONDS &&
    now < kti.exp &&
    reachesExposure(kti.exposure, order.minExposure.source)
  if (!holds) {
    throw new KeyferryError('binding-mismatch', 'the key transfer information does not fit order and delivery')
  }
}

/** The transport key is one of the target's newest statement by D4, and says how long a blob under it is. */
async function checkWrappedKey(context: ServerContext, { target }: Parties, { wrapped, kti }: Envelope): Promise<void> {
  const { payload } = await context.statements.device(target.statementRef)
  const offer = kti.kid === undefined ? null : findOffer(payload, kti.kid)
  checkWrapped(wrapped, kti, offer?.jwk ?? null)
}

async function isStatement(
  context: ServerContext,
  ref: Ref,
  typ: string,
  user: string,
  subject: string,
): Promise<boolean> {
  const row = await context.read.statement(ref)
  return row !== null && row.typ === typ && row.user === user && row.subject === subject
}
