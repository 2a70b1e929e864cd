import {
  checkDeviceStatement,
  type DeliveryId,
  type DevicePayload,
  type DeviceSetPayload,
  deviceStatement,
  type EpochSeconds,
  inTime,
  KeyferryError,
  type LogLeaf,
  MAX_ATTEMPTS,
  type OrderPayload,
  openBundle,
  orderEqualsKti,
  orderStatement,
  readStatement,
  type SetDevice,
  type Statement,
  type StatementBundle,
  type TransportKeyInfo,
  type Trust,
  type UserId,
} from '@keyferry/protocol'
import { certificatesOf } from './certificates.ts'
import { type CheckedSet, checkSet, requireListed } from './device-sets.ts'
import { checkLog, type LogQuestion } from './log.ts'
import { checkPermitted, type PermittedOrder } from './order.ts'
import { checkOwnRecord, type OwnRecord } from './own-record.ts'
import { type ChosenKey, chooseTransportKey } from './transport-key.ts'
import { type Learned, type LocalRules, type SeenDevice, type TrustState, withTrust } from './trust-state.ts'
import { type AcceptedRoot, acceptRoot } from './user-root.ts'

export interface SourceQuestion {
  /** Answer of S1, its signature and binding to the request verified by the client (`response-invalid`). */
  readonly kti: TransportKeyInfo
  readonly asked: DeliveryId
  readonly since: number
  readonly now: EpochSeconds
  readonly state: TrustState
  readonly rules: LocalRules
  readonly record: OwnRecord | null
  /** What this device can wrap with: its own statement's `wrap`. */
  readonly wrap: DevicePayload['wrap']
  /** The name that a human, a rule or the own record named for the target's user, if any. */
  readonly expectedName?: string
  readonly consistency: LogQuestion['consistency']
}

/** All that was established before a human or rule is asked (S12) and the key is wrapped (S13). */
export interface CheckedSource {
  readonly record: OwnRecord
  readonly targetRoot: AcceptedRoot
  readonly target: SetDevice
  readonly targetStatement: Statement<DevicePayload>
  readonly key: ChosenKey
  /** A foreign order that permits this; null if this device makes its own after S12. */
  readonly order: Statement<OrderPayload> | null
  readonly permitted: PermittedOrder | null
  readonly learned: Learned
}

/**
 * PROTOCOL 9.1 for mechanism (a), in its order; the first failure decides. S1 and S3 are before it (client, own envelopes), S12 and
 * S13 after it (agent). Keep `learned` as soon as this resolves, whatever S12 says.
 * @throws {KeyferryError} with the slug of the check that failed
 */
export async function checkBeforeWrap(question: SourceQuestion): Promise<CheckedSource> {
  const { kti, rules, now } = question
  const received = s2WellFormed(question)
  const record = checkOwnRecord(question.record, kti) // S4
  const ownSet = await s5OwnSet(question, received)
  const trusting = { ...question, state: withTrust(question.state, ownSet.statement.payload.trust) }
  const order = s6Order(question)
  const permitted = order === null ? null : await s6Permitted(trusting, received, ownSet, order)
  const targetRoot = await s7TargetUser(trusting, received)
  const targetSet = await s8TargetSet(trusting, received, targetRoot)
  const target = s8TargetListed(trusting, targetSet.statement.payload)
  const targetStatement = await s9TargetStatement(trusting, received, target)
  const key = chooseTransportKey(rules, { kti, target: targetStatement.payload, wrap: question.wrap, record, now }) // S10
  if (order !== null) s10OrderTakesIt(order, key)
  const learned = await s11Log(question, { ownSet, targetSet, targetRoot, targetStatement, permitted })
  return { record, targetRoot, target, targetStatement, key, order, permitted, learned }
}

function s2WellFormed({ kti, asked, state, now }: SourceQuestion): StatementBundle {
  const mine = kti.origin === state.origin && kti.dl === asked && kti.source.device === state.device
  // More than that there are not (PROTOCOL 5, row 15); each would be one more wrapped key in the hands of the server.
  if (kti.attempt > MAX_ATTEMPTS) throw new KeyferryError('kti-invalid', 'an attempt that cannot be')
  if (!mine || kti.deadline <= now)
    throw new KeyferryError('kti-invalid', 'not what was asked for, not for me, or too late')
  return openBundle(kti.statements, 'kti-invalid')
}

async function s5OwnSet({ kti, state, rules, now }: SourceQuestion, received: StatementBundle): Promise<CheckedSet> {
  const root = await acceptRoot(state, rules, {
    user: state.user,
    certificates: [],
    at: now,
    untrusted: 'target-untrusted',
  })
  const set = await checkSet(state, rules, {
    root,
    ref: kti.source.set,
    received,
    missing: 'kti-invalid',
    aliveAt: now,
  })
  requireListed(set.statement.payload, state.device, 'source')
  return set
}

/** S6, first half: an order already put is read; that it is missing is decided once rule and human could be asked. */
function s6Order({ kti, rules }: SourceQuestion): Statement<OrderPayload> | null {
  if (kti.order === undefined) {
    if (!rules.selfOrder) throw new KeyferryError('order-missing', 'another device has to order this')
    return null
  }
  return readStatement(orderStatement, kti.order)
}

async function s6Permitted(
  { kti, now }: SourceQuestion,
  received: StatementBundle,
  ownSet: CheckedSet,
  order: Statement<OrderPayload>,
): Promise<PermittedOrder> {
  const permitted = await checkPermitted({
    order,
    ownerSet: ownSet.statement.payload,
    received,
    at: now,
    certificates: certificatesOf(received, kti.target.user),
  })
  const time = inTime(order.payload, now)
  if (time === 'expired') throw new KeyferryError('order-expired', 'the order has expired')
  if (time === 'early') throw new KeyferryError('order-invalid', 'the order is not valid yet')
  if (!orderEqualsKti(order.payload, kti)) throw new KeyferryError('order-mismatch', 'the order says something else')
  return permitted
}

async function s7TargetUser(question: SourceQuestion, received: StatementBundle): Promise<AcceptedRoot> {
  const { kti, state, rules, now } = question
  // A key of class `user` belongs to the user whom it names: the target's user must be that one.
  const expectedName = kti.key.class === 'user' ? kti.username : question.expectedName
  return acceptRoot(state, rules, {
    user: kti.target.user,
    certificates: certificatesOf(received, kti.target.user),
    at: now,
    ...(expectedName === undefined ? {} : { expectedName }),
    untrusted: 'target-untrusted',
  })
}

function s8TargetSet(
  { kti, state, rules, now }: SourceQuestion,
  received: StatementBundle,
  root: AcceptedRoot,
): Promise<CheckedSet> {
  return checkSet(state, rules, { root, ref: kti.target.set, received, missing: 'kti-invalid', aliveAt: now })
}

function s8TargetListed({ kti, rules, record }: SourceQuestion, set: DeviceSetPayload): SetDevice {
  const target = requireListed(set, kti.target.device, 'target')
  const allowed = rules.targetKinds.includes(target.kind) || (target.kind === 'browser' && record?.browsers === true)
  if (!allowed) throw new KeyferryError('declined', 'my rules give no keys to a device of this kind')
  return target
}

async function s9TargetStatement(
  { kti, state, now }: SourceQuestion,
  received: StatementBundle,
  target: SetDevice,
): Promise<Statement<DevicePayload>> {
  const statement = received.get(deviceStatement, kti.target.statement)
  if (statement === null) throw new KeyferryError('kti-invalid', 'the answer lacks the target’s statement')
  await checkDeviceStatement(statement, { origin: state.origin, user: kti.target.user })
  if (statement.kid !== kti.target.device)
    throw new KeyferryError('statement-invalid', 'the statement is of another device')
  const seen = state.seenDevice(kti.target.device)
  const { seq } = statement.payload
  const older = seen !== null && (seq < seen.seq || (seq === seen.seq && statement.ref !== seen.ref))
  if (older || seq < (target.seq ?? 0)) {
    throw new KeyferryError('statement-rollback', 'an older or another statement than the one that counts')
  }
  const time = inTime(statement.payload, now)
  if (time === 'expired') throw new KeyferryError('statement-expired', 'the target’s statement has expired')
  if (time === 'early') throw new KeyferryError('statement-invalid', 'the target’s statement is from the future')
  return statement
}

/** The source of a foreign order takes what it says, if its own choice agrees. */
function s10OrderTakesIt(order: Statement<OrderPayload>, key: ChosenKey): void {
  if (order.payload.alg !== key.alg || order.payload.kid !== key.kid) {
    throw new KeyferryError('alg-not-allowed', 'the order takes another transport key than I would')
  }
}

interface Established {
  readonly ownSet: CheckedSet
  readonly targetSet: CheckedSet
  readonly targetRoot: AcceptedRoot
  readonly targetStatement: Statement<DevicePayload>
  readonly permitted: PermittedOrder | null
}

async function s11Log(question: SourceQuestion, found: Established): Promise<Learned> {
  const { kti, state, rules, since, now, consistency } = question
  const { ownSet, targetSet, targetRoot, targetStatement, permitted } = found
  const trust: Trust = ownSet.statement.payload.trust ?? state.trust
  const logged: LogLeaf[] = [
    ...setLeaves(ownSet),
    ...setLeaves(targetSet),
    { typ: 'kf-device+jwt', ref: kti.source.statement, user: state.user },
    { typ: 'kf-device+jwt', ref: targetStatement.ref, user: kti.target.user },
  ]
  if (targetRoot.certificate !== null && targetRoot.username !== null) {
    logged.push({ typ: 'kf-user+jwt', ref: targetRoot.certificate, username: targetRoot.username })
  }
  logged.push(...grantLeaves(permitted, state.user))
  const checkpoint = await checkLog(state, rules, { evidence: kti, logged, since, now, trust, consistency })
  const devices: SeenDevice[] = [
    { device: kti.target.device, seq: targetStatement.payload.seq, ref: targetStatement.ref },
  ]
  return {
    users: [ownSet.seen, targetSet.seen],
    devices,
    names: targetRoot.accepted === null ? [] : [targetRoot.accepted],
    pins: targetRoot.tofuPin === null ? [] : [targetRoot.tofuPin],
    checkpoint,
    trust: ownSet.statement.payload.trust ?? null,
  }
}

/** A set and the hand-over sets that came with it. */
export function setLeaves(set: CheckedSet): readonly LogLeaf[] {
  const { user } = set.seen
  return [set.statement.ref, ...set.newHandovers].map((ref) => ({ typ: 'kf-device-set+jwt', ref, user }))
}

/** The grant relied on, and the certificate by which it admits the target's user. */
export function grantLeaves(permitted: PermittedOrder | null, owner: UserId): readonly LogLeaf[] {
  if (permitted === null || permitted.grant === null) return []
  const grant: LogLeaf = { typ: 'kf-grant+jwt', ref: permitted.grant.ref, user: owner }
  const admitted = permitted.certificates.map(
    (certificate): LogLeaf => ({ typ: 'kf-user+jwt', ref: certificate.ref, username: certificate.payload.username }),
  )
  return [grant, ...admitted]
}
