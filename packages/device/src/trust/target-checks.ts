import {
  checkWrapped,
  type DeliveryId,
  type DevicePayload,
  deviceSetStatement,
  type Envelope,
  type EpochSeconds,
  type Exposure,
  inTime,
  KeyferryError,
  type KeyId,
  type KeyTransferAnswer,
  type KeyTransferInfo,
  type LogLeaf,
  MAX_LIFE_SECONDS,
  namedThumbprint,
  offerTakes,
  openBundle,
  orderEqualsKeyTransferInfo,
  ownerOf,
  type Ref,
  reachesExposure,
  readEnvelope,
  type SetDevice,
  type StatementBundle,
  type TransportKeyOffer,
  type UserId,
  verifyEnvelope,
} from '@keyferry/protocol'
import { certificatesOf } from './certificates.ts'
import { type CheckedSet, checkSet, requireListed } from './device-sets.ts'
import { checkLog, checkMark, type LogQuestion } from './log.ts'
import { checkPermitted, type PermittedOrder } from './order.ts'
import { grantLeaves, setLeaves } from './source-checks.ts'
import { type Learned, type LocalRules, type TrustState, withTrust } from './trust-state.ts'
import { type AcceptedRoot, acceptRoot } from './user-root.ts'

export interface TargetQuestion {
  /** T2 answer and envelope, their signatures and binding to the requests verified by the client (`response-invalid`). */
  readonly answer: KeyTransferAnswer
  readonly envelopeOctets: Uint8Array
  readonly asked: DeliveryId
  readonly since: number
  readonly now: EpochSeconds
  readonly state: TrustState
  readonly rules: LocalRules
  /** The transport keys that this device holds, by its own statements. */
  readonly transportKeys: DevicePayload['enc']
  /** The nonce that this device gave at E1 for this delivery, if it did. */
  readonly nonce: string | null
  /** Last accepted generation of a key, or null. */
  readonly lastGeneration: (key: KeyId) => number | null
  /** Whether a human admitted this owner for this delivery. */
  readonly ownerAdmitted: boolean
  /** Whether a human agreed to a jump of generations for this delivery. */
  readonly jumpAdmitted: boolean
  readonly consistency: LogQuestion['consistency']
}

/** All that was established before the key is unwrapped (T9) and stored (T10). */
export interface CheckedTarget {
  readonly envelope: Envelope
  readonly owner: UserId
  readonly ownerRoot: AcceptedRoot
  readonly source: SetDevice
  /** What storing it here exposes it to, by the transport key's own offer. */
  readonly exposure: Exposure
  readonly learned: Learned
}

/** More than so far ahead of the last one, a generation is taken only if the human agrees (T6). */
export const MAX_GENERATION_JUMP = 1000

/**
 * PROTOCOL 9.3 for mechanism (a), T2 to T8, in its order; the first failure decides. T1 and the first half of T6 (an outcome is final)
 * are before it. Keep `learned` as soon as this resolves.
 * @throws {KeyferryError} with the slug of the check that failed
 */
export async function checkBeforeAccept(question: TargetQuestion): Promise<CheckedTarget> {
  const envelope = t2WellFormed(question)
  const exposure = t2TransportKey(question, envelope.kti)
  const received = t2Statements(question)
  const ownSet = await checkOwnSet(question, received)
  const trusting = { ...question, state: withTrust(question.state, ownSet.statement.payload.trust) }
  const owner = ownerOf(envelope.kti.key.id)
  const ownerRoot = await t3OwnerRoot(trusting, received, owner, envelope.kti)
  const ownerSet = await t3OwnerSet(trusting, received, ownerRoot, envelope.kti, ownSet)
  const source = t3SourceListed(ownerSet, envelope.kti)
  if (envelope.kid !== envelope.kti.src || !(await verifyEnvelope(envelope, source.jwk))) {
    throw new KeyferryError('signature-invalid', 'the envelope is not signed by its source') // T4
  }
  const permitted = await t5Order(trusting, received, ownerSet, envelope)
  t6Generation(question, envelope)
  const learned = await t7Log(question, { envelope, ownSet, ownerSet, ownerRoot, permitted })
  t8LocalRule(envelope, exposure)
  return { envelope, owner, ownerRoot, source, exposure, learned }
}

function t2WellFormed(question: TargetQuestion): Envelope {
  const { answer, envelopeOctets, asked, state, now } = question
  const envelope = readEnvelope(envelopeOctets)
  if (envelope.ref !== answer.envelope || envelope.payload.binding !== answer.binding) {
    throw new KeyferryError('binding-mismatch', 'the envelope is another than the one announced')
  }
  const { kti } = envelope
  checkWrapped(envelope.payload.wrapped, kti, namedTransportKey(question, kti)?.jwk ?? null)
  const forMe =
    kti.origin === state.origin && kti.dl === asked && kti.dst === state.device && kti.dstUser === state.user
  const named = kti.key.class !== 'user' || kti.username === state.username
  if (!forMe || !named) throw new KeyferryError('binding-mismatch', 'this key was not wrapped for me')
  if (inTime(kti, now) !== 'in-time' || kti.exp - kti.iat > MAX_LIFE_SECONDS) {
    throw new KeyferryError('envelope-expired', 'the envelope is out of time')
  }
  return envelope
}

function namedTransportKey({ transportKeys }: TargetQuestion, { kid, alg }: KeyTransferInfo): TransportKeyOffer | null {
  return transportKeys.find((offer) => namedThumbprint(offer.jwk) === kid && offer.alg === alg) ?? null
}

function t2TransportKey(question: TargetQuestion, kti: KeyTransferInfo): Exposure {
  const { state } = question
  const mine = namedTransportKey(question, kti)
  if (mine === null) throw new KeyferryError('binding-mismatch', 'this is not a transport key of mine')
  if (!offerTakes(mine, state.user, ownerOf(kti.key.id))) {
    throw new KeyferryError('transport-key-foreign', 'this transport key takes the keys of another owner')
  }
  return mine.exposure
}

function t2Statements({ answer }: TargetQuestion): StatementBundle {
  return openBundle(answer.statements, 'envelope-malformed')
}

/** T3: the newest set of this device's own user, whose `trust` counts from here. */
export async function checkOwnSet(
  { state, rules, now }: Pick<TargetQuestion, 'state' | 'rules' | 'now'>,
  received: StatementBundle,
): Promise<CheckedSet> {
  const root = await acceptRoot(state, rules, {
    user: state.user,
    certificates: [],
    at: now,
    untrusted: 'owner-untrusted',
  })
  const ref = newestSetOf(received, state.user)
  const set = await checkSet(state, rules, { root, ref, received, missing: 'response-invalid', aliveAt: now })
  requireListed(set.statement.payload, state.device, 'target')
  return set
}

/** T3: whose key is it, and does this device take keys of them? */
async function t3OwnerRoot(
  question: TargetQuestion,
  received: StatementBundle,
  owner: UserId,
  kti: KeyTransferInfo,
): Promise<AcceptedRoot> {
  const { state, rules, ownerAdmitted } = question
  const root = await acceptRoot(state, rules, {
    user: owner,
    certificates: certificatesOf(received, owner),
    at: kti.iat,
    untrusted: 'owner-untrusted',
  })
  if (owner === state.user || rules.owners.includes(owner) || ownerAdmitted) return root
  throw new KeyferryError('owner-untrusted', 'my rules take no keys of this user')
}

async function t3OwnerSet(
  { state, rules }: TargetQuestion,
  received: StatementBundle,
  root: AcceptedRoot,
  kti: KeyTransferInfo,
  ownSet: CheckedSet,
): Promise<CheckedSet> {
  if (root.user === state.user) return ownSet
  const ref = newestSetOf(received, root.user)
  return checkSet(state, rules, {
    root,
    ref,
    received,
    missing: 'response-invalid',
    aliveAt: kti.iat,
    mayBeYounger: true,
  })
}

function t3SourceListed(ownerSet: CheckedSet, kti: KeyTransferInfo): SetDevice {
  const { devices, revoked } = ownerSet.statement.payload
  if (revoked.some((entry) => entry.id === kti.src)) {
    throw new KeyferryError('device-revoked', 'the source was revoked by its owner')
  }
  const source = devices.find((entry) => entry.id === kti.src)
  if (source === undefined || !source.roles.includes('source')) {
    throw new KeyferryError('source-not-listed', 'the owner’s set does not list the source')
  }
  return source
}

async function t5Order(
  { nonce }: TargetQuestion,
  received: StatementBundle,
  ownerSet: CheckedSet,
  envelope: Envelope,
): Promise<PermittedOrder> {
  const { kti, order } = envelope
  const permitted = await checkPermitted({
    order,
    ownerSet: ownerSet.statement.payload,
    received,
    at: kti.iat,
    certificates: certificatesOf(received, kti.dstUser),
  })
  if (kti.order !== order.ref || !orderEqualsKeyTransferInfo(order.payload, kti)) {
    throw new KeyferryError('order-mismatch', 'the order says something else than the envelope')
  }
  const time = inTime(order.payload, kti.iat)
  if (time === 'expired') throw new KeyferryError('order-expired', 'the order had expired when the key was wrapped')
  if (time === 'early') throw new KeyferryError('order-invalid', 'the key was wrapped before it was ordered')
  if (!reachesExposure(kti.exposure, order.payload.minExposure.source)) {
    throw new KeyferryError('exposure-too-low', 'the source exposed the key more than the order allows')
  }
  if (nonce !== null && kti.nonce !== nonce) {
    throw new KeyferryError('order-mismatch', 'the envelope does not answer my own request')
  }
  return permitted
}

/** T6, second half: no generation twice, none backwards. */
function t6Generation({ lastGeneration, jumpAdmitted }: TargetQuestion, { kti, order }: Envelope): void {
  const last = lastGeneration(kti.key.id)
  const { generation } = kti.key
  if (last !== null && generation < last)
    throw new KeyferryError('generation-old', 'I have a newer generation of this key')
  if (generation === last && !order.payload.redelivery) {
    throw new KeyferryError('already-installed', 'I have this generation of this key')
  }
  if (generation - (last ?? 0) > MAX_GENERATION_JUMP && !jumpAdmitted) {
    throw new KeyferryError('declined', 'the generation jumps by more than 1000')
  }
}

interface Established {
  readonly envelope: Envelope
  readonly ownSet: CheckedSet
  readonly ownerSet: CheckedSet
  readonly ownerRoot: AcceptedRoot
  readonly permitted: PermittedOrder
}

async function t7Log(question: TargetQuestion, found: Established): Promise<Learned> {
  const { answer, state, rules, since, now, consistency } = question
  const { envelope, ownSet, ownerSet, ownerRoot, permitted } = found
  const { kti, order } = envelope
  const owner = ownerRoot.user
  const logged: LogLeaf[] = [
    ...setLeaves(ownSet),
    ...(ownerSet === ownSet ? [] : setLeaves(ownerSet)),
    ...grantLeaves(permitted, owner),
    { typ: 'kf-order+jwt', ref: order.ref, owner, dl: kti.dl },
    { typ: 'kf-envelope+jws', ref: envelope.ref, owner, dl: kti.dl },
  ]
  if (ownerRoot.certificate !== null && ownerRoot.username !== null) {
    logged.push({ typ: 'kf-user+jwt', ref: ownerRoot.certificate, username: ownerRoot.username })
  }
  const trust = ownSet.statement.payload.trust ?? state.trust
  const asked: LogQuestion = { evidence: answer, logged, since, now, trust, consistency }
  const checkpoint = await checkLog(state, rules, asked)
  await checkMark(kti.checkpoint, checkpoint, asked)
  return {
    users: ownerSet === ownSet ? [ownSet.seen] : [ownSet.seen, ownerSet.seen],
    devices: [],
    names: ownerRoot.accepted === null ? [] : [ownerRoot.accepted],
    pins: ownerRoot.tofuPin === null ? [] : [ownerRoot.tofuPin],
    checkpoint,
    trust: ownSet.statement.payload.trust ?? null,
  }
}

function t8LocalRule({ order }: Envelope, exposure: Exposure): void {
  if (!reachesExposure(exposure, order.payload.minExposure.target)) {
    throw new KeyferryError('exposure-too-low', 'I would expose the key more than the order allows')
  }
}

/** The set of a user with the highest `seq` among those received: the rest is found by `typ` and `user` (PROTOCOL 7). */
function newestSetOf(received: StatementBundle, user: UserId): Ref {
  const sets = received.all(deviceSetStatement).filter((set) => set.payload.user === user)
  const newest = sets.toSorted((a, b) => b.payload.seq - a.payload.seq)[0]
  if (newest === undefined) throw new KeyferryError('response-invalid', 'the answer lacks a device set')
  return newest.ref
}
