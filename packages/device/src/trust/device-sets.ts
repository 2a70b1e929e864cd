import {
  checkDeviceSet,
  type DeviceId,
  type DeviceRole,
  type DeviceSetPayload,
  deviceIn,
  deviceSetStatement,
  type EpochSeconds,
  handoverRefs,
  inTime,
  KeyferryError,
  type Ref,
  refuseSetRollback,
  rootsOf,
  type SetDevice,
  type Statement,
  type StatementBundle,
} from '@keyferry/protocol'
import { seenOf } from './seen-set.ts'
import type { LocalRules, SeenUser, TrustState } from './trust-state.ts'
import type { AcceptedRoot } from './user-root.ts'

export interface CheckedSet {
  readonly statement: Statement<DeviceSetPayload>
  readonly seen: SeenUser
  /** Hand-over sets that this device had not seen: they MUST be in the log. */
  readonly newHandovers: readonly Ref[]
}

export interface SetQuestion {
  readonly root: AcceptedRoot
  readonly ref: Ref
  readonly received: StatementBundle
  /** Slug when the answer does not bring the set. */
  readonly missing: 'kti-invalid' | 'response-invalid'
  /** When it must be alive, and when its age is asked (`maxSetAge`). */
  readonly aliveAt: EpochSeconds
  /** True for an owner's set at a target: it may be younger than the KTI (T3). */
  readonly mayBeYounger?: boolean
}

/**
 * A user's newest device set (S5, S8, T3): chain of roots, signature, life, never older than what was seen, alive.
 * @throws {KeyferryError} `set-invalid`, `set-rollback`, `set-expired`
 */
export async function checkSet(state: TrustState, rules: LocalRules, question: SetQuestion): Promise<CheckedSet> {
  const { root } = question
  const statement = question.received.get(deviceSetStatement, question.ref)
  if (statement === null) throw new KeyferryError(question.missing, 'the answer lacks a device set')
  const { payload } = statement
  await checkDeviceSet(statement, { origin: state.origin, user: root.user })
  const seen = state.seenUser(root.user)
  const handovers = handoverRefs(statement)
  refuseSetRollback(statement, seen)
  refuseOldRoot(root, statement)
  if (seen?.hadTrust === true && root.user === state.user && payload.trust === undefined) {
    throw new KeyferryError('set-invalid', 'the set no longer says what to trust')
  }
  refuseExpired(rules, question, payload)
  return {
    statement,
    seen: seenOf(statement, seen),
    newHandovers: handovers.slice(seen?.handovers.length ?? 0),
  }
}

/** The root that pin or certificate names must be in the chain: an old root, stolen, does not come back. */
function refuseOldRoot(root: AcceptedRoot, statement: Statement<DeviceSetPayload>): void {
  const chain = rootsOf(statement)
  if (root.chainMustHold.some((id) => !chain.includes(id))) {
    throw new KeyferryError('set-rollback', 'the root that is known to be current is not in the chain of this set')
  }
}

function refuseExpired(rules: LocalRules, question: SetQuestion, payload: DeviceSetPayload): void {
  const at = question.aliveAt
  const time = inTime(payload, at)
  if (time === 'expired') throw new KeyferryError('set-expired', 'the device set has expired')
  if (time === 'early' && question.mayBeYounger !== true) {
    throw new KeyferryError('set-invalid', 'the device set is from the future')
  }
  if (rules.maxSetAgeSeconds !== undefined && at - payload.iat > rules.maxSetAgeSeconds) {
    throw new KeyferryError('set-expired', 'the device set is older than this device’s rules allow')
  }
}

/**
 * The entry of a device in a set.
 * @throws {KeyferryError} `device-revoked` if it is revoked, not there, or there without the role.
 */
export function requireListed(set: DeviceSetPayload, device: DeviceId, role: DeviceRole): SetDevice {
  const entry = deviceIn(set, device)
  if (entry === null || entry === 'revoked' || !entry.roles.includes(role)) {
    throw new KeyferryError('device-revoked', `the set does not list this device as ${role}`)
  }
  return entry
}
