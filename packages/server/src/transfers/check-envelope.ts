import {
  checkWrapped,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  type Envelope,
  equalJson,
  KeyferryError,
  type KeyTransferInfo,
  reachesExposure,
  toBase64url,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { isEnvelopeSignedBy } from '../signing/named-signer.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { checkOrder, checkParties } from './check-order.ts'
import type { Parties } from './transport-key-info.ts'

const CLOCK_SKEW_SECONDS = 60

/** D2 to D6 of PROTOCOL 9.2, in their order; the first failure decides. */
export async function checkEnvelope(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  envelope: Envelope,
): Promise<Envelope> {
  await checkSignature(context, parties, envelope) // D2
  await checkOrder(context, delivery, parties, envelope.order) // D3
  await checkParties(context, delivery, parties, envelope.order.payload) // D4
  await checkBinding(context, delivery, envelope) // D5
  checkWrapped(envelope.payload.wrapped, envelope.kti) // D6
  return envelope
}

async function checkSignature(context: ServerContext, parties: Parties, envelope: Envelope): Promise<void> {
  const set: DeviceSetPayload = (await context.statements.deviceSet(parties.sourceUser.setRef)).payload
  const source = set.devices.find((entry) => entry.id === parties.source.id)
  if (source === undefined) throw new KeyferryError('device-revoked', 'the source is not in its user’s set')
  if (!(await isEnvelopeSignedBy(envelope, source.jwk))) {
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
    isOwnCheckpoint(context, kti),
  ])
  const holds =
    ktiEqualsOrder(kti, envelope) &&
    relies.every(Boolean) &&
    order.iat - CLOCK_SKEW_SECONDS <= kti.iat &&
    kti.iat <= now + CLOCK_SKEW_SECONDS &&
    kti.exp <= order.exp &&
    now < kti.exp &&
    reachesExposure(kti.exposure, order.minExposure.source)
  if (!holds)
    throw new KeyferryError('binding-mismatch', 'the key transfer information does not fit order and delivery')
}

/** Members that KTI and order share (PROTOCOL 7). */
const SHARED = [
  'origin',
  'tr',
  'dl',
  'attempt',
  'src',
  'dst',
  'dstUser',
  'mechanism',
  'alg',
  'kid',
  'secret',
  'data',
  'directory',
  'key',
  'container',
  'username',
] as const

function ktiEqualsOrder(kti: KeyTransferInfo, envelope: Envelope): boolean {
  const order = envelope.order.payload
  const nonceFits = order.nonce === undefined || order.nonce === kti.nonce
  return kti.order === envelope.order.ref && nonceFits && SHARED.every((name) => equalJson(kti[name], order[name]))
}

async function isStatement(
  context: ServerContext,
  ref: KeyTransferInfo['srcSet'],
  typ: string,
  user: string,
  subject: string,
): Promise<boolean> {
  const row = await context.read.statement(ref)
  return row !== null && row.typ === typ && row.user === user && row.subject === subject
}

/** Any head of our own log that is not ahead of it: we would sign each of them. */
async function isOwnCheckpoint(context: ServerContext, kti: KeyTransferInfo): Promise<boolean> {
  const { size, root } = kti.checkpoint
  return size > 0 && size <= context.log.size && toBase64url(await context.log.root(size)) === root
}
