import { KeyferryError } from '../errors.ts'
import type { DeviceId, Ref, Thumbprint, UserId } from '../ids/ids.ts'
import { thumbprint } from '../jose/jwk.ts'
import { refOf, splitCompact } from '../jose/jws.ts'
import { parseVkey } from '../log/vkey.ts'
import { type DeviceSetPayload, deviceSetStatement, type SetDevice } from './device-set.ts'
import { namedThumbprint } from './named-jwk.ts'
import { checkLife, MAX_LIFE_SECONDS, readStatement, type Statement, verifyStatement } from './statement.ts'

export interface SetExpectation {
  readonly origin: string
  readonly user: UserId
}

/**
 * A set is a user's set: signed by its root, whose chain of hand-overs begins at the root id; each device once and under its
 * own thumbprint, none both listed and revoked; life at most 90 days (PROTOCOL 1, 2.2). A hand-over set is none. Whether the
 * set is in time and not rolled back ({@link refuseSetRollback}) is for the caller.
 * @throws {KeyferryError} `set-invalid`
 */
export async function checkDeviceSet(set: Statement<DeviceSetPayload>, expected: SetExpectation): Promise<void> {
  const { payload } = set
  if (payload.next !== undefined) throw invalid('a hand-over set is not a user’s set')
  checkCommon(set, expected)
  checkDevices(payload)
  const handovers = readHandovers(payload)
  checkChain(payload, handovers, expected)
  checkRoles(payload, handovers)
  for (const signed of [...handovers, set]) {
    if (!(await verifyStatement(signed, signed.payload.root))) throw invalid('a signature is wrong')
  }
}

/**
 * A hand-over set: `next` names the new root, nothing else is said, and the current root signed it (PROTOCOL 2.2).
 * @param expected - `root` = thumbprint of the user's current root.
 * @throws {KeyferryError} `set-invalid`
 */
export async function checkHandover(
  set: Statement<DeviceSetPayload>,
  expected: SetExpectation & { readonly root: Thumbprint },
): Promise<void> {
  checkCommon(set, expected)
  checkHandoverForm(set.payload)
  if (set.kid !== expected.root) throw invalid('another root signed it')
  if (!(await verifyStatement(set, set.payload.root))) throw invalid('its signature is wrong')
}

function checkCommon(set: Statement<DeviceSetPayload>, expected: SetExpectation): void {
  const { payload } = set
  if (payload.origin !== expected.origin) throw invalid('it is for another origin')
  if (payload.user !== expected.user) throw invalid('it is of another user')
  if (set.kid !== thumbprint(payload.root)) throw invalid('it names another signer')
  if ((payload.prev === undefined) !== (payload.seq === 1))
    throw invalid('the first set, and no other, has none before')
  checkLife(payload, MAX_LIFE_SECONDS, 'set-invalid')
}

function checkDevices({ devices, revoked }: DeviceSetPayload): void {
  const ids = new Set<Thumbprint>()
  for (const device of devices) {
    if (device.id !== namedThumbprint(device.jwk)) throw invalid('a device has another id than its key')
    if (ids.has(device.id)) throw invalid('a device stands twice')
    ids.add(device.id)
  }
  if (revoked.some(({ id }) => ids.has(id))) throw invalid('a device is both listed and revoked')
}

/** Their expiry is not checked, but they were made as hand-over sets of this user. */
function readHandovers(payload: DeviceSetPayload): Statement<DeviceSetPayload>[] {
  return (payload.handovers ?? []).map((text) => readStatement(deviceSetStatement, text))
}

function checkChain(
  payload: DeviceSetPayload,
  handovers: readonly Statement<DeviceSetPayload>[],
  expected: SetExpectation,
): void {
  let root: Thumbprint = payload.user
  let seq = 0
  for (const handover of handovers) {
    checkCommon(handover, expected)
    checkHandoverForm(handover.payload)
    if (handover.kid !== root) throw invalid('the chain of roots is broken')
    if (handover.payload.seq <= seq) throw invalid('hand-overs are out of order')
    root = thumbprint(nextOf(handover.payload))
    seq = handover.payload.seq
  }
  if (thumbprint(payload.root) !== root) throw invalid('its root is not the last one of the chain')
  if (payload.seq <= seq) throw invalid('it is older than its hand-overs')
}

function checkHandoverForm(payload: DeviceSetPayload): void {
  const { devices, revoked, trust, handovers } = payload
  const bare = devices.length === 0 && revoked.length === 0 && trust === undefined && handovers === undefined
  if (!bare) throw invalid('a hand-over set says nothing but the next root')
  if (thumbprint(nextOf(payload)) === thumbprint(payload.root)) throw invalid('a root cannot follow itself')
}

function nextOf(payload: DeviceSetPayload): DeviceSetPayload['root'] {
  if (payload.next === undefined) throw invalid('not a hand-over set')
  return payload.next
}

/** No key has two roles: roots, devices, CAs, log and witnesses (PROTOCOL 1). */
function checkRoles(payload: DeviceSetPayload, handovers: readonly Statement<DeviceSetPayload>[]): void {
  const roots = [...handovers.map(({ kid }) => kid), thumbprint(payload.root)]
  const devices = payload.devices.map(({ id }) => id)
  const { cas, logs } = trustedKeys(payload)
  const keys = [...roots, ...devices, ...cas, ...logs]
  if (new Set(keys).size !== keys.length) throw invalid('two roles share a key')
}

function trustedKeys({ trust }: DeviceSetPayload): { cas: Set<Thumbprint>; logs: Set<Thumbprint> } {
  const vkeys = trust === undefined ? [] : [trust.log, ...trust.witnesses]
  return { cas: new Set(trust?.cas), logs: new Set(vkeys.flatMap(vkeyThumbprint)) }
}

/** A vkey of a kind that we do not know is checked when it is used. */
function vkeyThumbprint(vkey: string): Thumbprint[] {
  try {
    return [thumbprint(parseVkey(vkey).jwk)]
  } catch {
    return []
  }
}

/** refs of the hand-over sets that a set carries, oldest first. */
export function handoverRefs(set: Statement<DeviceSetPayload>): Ref[] {
  return (set.payload.handovers ?? []).map((text) => refOf(splitCompact(text, 'set-invalid')))
}

/** Thumbprints of all roots of a checked set, the first one first; what a pin or `kf-user` names MUST be among them. */
export function rootsOf(set: Statement<DeviceSetPayload>): Thumbprint[] {
  return [...readHandovers(set.payload).map(({ kid }) => kid), thumbprint(set.payload.root)]
}

/** What somebody remembers of a user's sets (PROTOCOL 3, *Trust file*). */
export interface SeenSet {
  /** The highest one. */
  readonly seq: number
  readonly ref: Ref
  readonly handovers: readonly Ref[]
}

/**
 * A set that was checked may not go back behind what was seen: `seq`, the ref for an equal `seq`, and the hand-over sets seen,
 * which come first and in order. As the chain gives the root, it cannot change without a new hand-over (PROTOCOL 2.2).
 * @throws {KeyferryError} `set-rollback`
 */
export function refuseSetRollback(set: Statement<DeviceSetPayload>, seen: SeenSet | null): void {
  if (seen === null) return
  const { seq } = set.payload
  const handovers = handoverRefs(set)
  const goesBack = seq < seen.seq || (seq === seen.seq && set.ref !== seen.ref)
  if (goesBack || seen.handovers.some((ref, i) => handovers[i] !== ref)) {
    throw new KeyferryError('set-rollback', 'an older or another set than one seen before')
  }
}

/**
 * The next set of a user, or his hand-over set, follows directly: `seq` + 1, `prev`, and after a hand-over its `next` as root.
 * For whoever holds the set before.
 * @throws {KeyferryError} `set-rollback`
 */
export function checkSuccessor(set: Statement<DeviceSetPayload>, before: Statement<DeviceSetPayload>): void {
  const root = before.payload.next ?? before.payload.root
  const follows = set.payload.seq === before.payload.seq + 1 && set.payload.prev === before.ref
  if (!follows || thumbprint(set.payload.root) !== thumbprint(root)) {
    throw new KeyferryError('set-rollback', 'it does not follow the set before')
  }
}

/** A device in a set; `'revoked'` if the set says so; `null` if it is in neither list, which counts as revoked. */
export function deviceIn(set: DeviceSetPayload, id: DeviceId): SetDevice | 'revoked' | null {
  if (isRevoked(set, id)) return 'revoked'
  return set.devices.find((device) => device.id === id) ?? null
}

/** Whether `revoked` names this device or grant. */
export function isRevoked(set: DeviceSetPayload, id: Thumbprint): boolean {
  return set.revoked.some((revocation) => revocation.id === id)
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('set-invalid', message)
}
