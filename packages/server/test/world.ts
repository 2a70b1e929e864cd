import { type DeviceSetPayload, makeId, type Statement } from '@keyferry/protocol'
import {
  A_MAC,
  aDeviceSet,
  aKeyId,
  aPairingAnswer,
  aPairingProof,
  DAY_SECONDS,
  type FakeClock,
  fakeClock,
  fakeRandom,
  keysOf,
  NOW,
  ORIGIN,
  type SetOptions,
  type TestDevice,
  type TestUser,
} from '@keyferry/testkit'
import type { AccessDecision } from '../src/access/access-decision.ts'
import type { Caller, DeviceProof } from '../src/access/caller.ts'
import { proofWindows } from '../src/access/proof-windows.ts'
import { committing } from '../src/commit.ts'
import type { ServerContext } from '../src/context.ts'
import { answerEnrolment } from '../src/registry/answer-enrolment.ts'
import { claimEnrolment, type EnrolmentClaim } from '../src/registry/claim-enrolment.ts'
import { createEnrolment, type EnrolmentOffer } from '../src/registry/create-enrolment.ts'
import { proveEnrolment } from '../src/registry/prove-enrolment.ts'
import { putStatement } from '../src/registry/put-statement.ts'
import { statementCache } from '../src/signing/statement-cache.ts'
import { type MemoryStore, memoryStore } from '../src/store/memory/memory-store.ts'
import type { DeliveryRow } from '../src/store/rows.ts'
import { NEW_ATTEMPT } from '../src/transfers/new-attempt.ts'
import { wakeups } from '../src/wakeups.ts'

/** A server without its edges: the use cases over a store in memory, under a clock that the test turns. */
export interface World {
  readonly context: ServerContext
  readonly store: MemoryStore
  readonly clock: FakeClock
}

export const OPERATOR: Caller = { type: 'operator' }

/** Permits everything: what policy says has tests of its own. */
const PERMIT: AccessDecision = {
  policyHash: 'A'.repeat(43),
  decide: async () => ({ decision: true, policy: 'A'.repeat(43) }),
}

export function aWorld(store: MemoryStore = memoryStore()): World {
  const clock = fakeClock()
  const log = { appended: () => undefined } as unknown as ServerContext['log']
  const context: ServerContext = {
    read: store.read,
    commit: committing(store, log, wakeups()),
    log,
    access: PERMIT,
    statements: statementCache(store.read),
    proofs: proofWindows(900),
    clock,
    random: fakeRandom(),
    origin: ORIGIN,
    limits: {
      bodyBytes: 65_536,
      transferBytes: 262_144,
      setBytes: 262_144,
      headerBytes: 32_768,
      envelopeBytes: 49_152,
      targets: 1000,
    },
    suites: ['HPKE-7'],
  }
  return { context, store, clock }
}

/** The caller that a request of this enrolled device has, signed by its own key or by its host agent's. */
export async function asDevice(
  world: World,
  device: TestDevice,
  method: DeviceProof = 'device-signature',
): Promise<Extract<Caller, { type: 'device' }>> {
  const row = await world.context.read.device(device.id)
  if (row === null) throw new Error(`${device.name} is not enrolled`)
  const keyid = method === 'access-signature' ? row.accessKey : row.id
  if (keyid === null) throw new Error(`${device.name} has no access key`)
  return { type: 'device', device: row, keyid, method }
}

/** The caller of a device that the server does not know yet: its access key, or if it has none its own. */
export function asNewcomer(device: TestDevice): Caller {
  return { type: 'newcomer', keyid: device.access?.id ?? device.id }
}

/** Enrols the first device of a user as an operator's guest; returns the user's first set. */
export async function enrolFirst(
  world: World,
  device: TestDevice,
  options: SetOptions = {},
): Promise<Statement<DeviceSetPayload>> {
  const set = await aDeviceSet(device.user, [device], { at: world.clock.now(), ...options })
  const { code } = await createEnrolment(world.context, OPERATOR, { username: device.user.username })
  await claimEnrolment(world.context, asNewcomer(device), { code, statement: device.statement.text, set: set.text })
  return set
}

/** Steps 1 and 2: `by` invites, `device` claims. */
export async function claimedBy(world: World, by: TestDevice, device: TestDevice): Promise<EnrolmentOffer> {
  const offer = await createEnrolment(world.context, await asDevice(world, by), {})
  await claimEnrolment(world.context, asNewcomer(device), aClaim(offer.code, device))
  return offer
}

export function aClaim(code: string, device: TestDevice): EnrolmentClaim {
  return { code, statement: device.statement.text, mac: A_MAC }
}

/** Steps 4 and 5. */
export async function provenBy(
  world: World,
  by: TestDevice,
  device: TestDevice,
  set: Statement<DeviceSetPayload>,
): Promise<EnrolmentOffer> {
  const offer = await claimedBy(world, by, device)
  await answerEnrolment(world.context, await asDevice(world, by), offer.id, aPairingAnswer(offer.id, device, set))
  await proveEnrolment(world.context, asNewcomer(device), offer.id, aPairingProof(device))
  return offer
}

/** All steps of a further device; returns the set that lists all of them. */
export async function enrolNext(
  world: World,
  by: TestDevice,
  device: TestDevice,
  before: Statement<DeviceSetPayload>,
): Promise<Statement<DeviceSetPayload>> {
  await provenBy(world, by, device, before)
  const set = await setWith(device.user, before, device)
  await putStatement(world.context, await asDevice(world, by), set.ref, set.text)
  return set
}

/** The next set: those of `before` and this one. */
export async function setWith(
  user: TestUser,
  before: Statement<DeviceSetPayload>,
  device: TestDevice,
): Promise<Statement<DeviceSetPayload>> {
  const entry = (await aDeviceSet(user, [device])).payload.devices
  return aDeviceSet(user, [...before.payload.devices, ...entry], { after: before })
}

/** A household: the first device of the user, and further ones paired with it. */
export async function enrolAll(world: World, devices: readonly TestDevice[]): Promise<Statement<DeviceSetPayload>> {
  const [first, ...others] = devices
  if (first === undefined) throw new Error('somebody needs a device')
  let set = await enrolFirst(world, first)
  for (const device of others) set = await enrolNext(world, first, device, set)
  return set
}

/** An open delivery of a container key of `source`'s user, already told to both sides. */
export function aDeliveryRow(source: TestDevice, target: TestDevice, members: Partial<DeliveryRow> = {}): DeliveryRow {
  const n = members.attempt ?? 1
  const keyId = members.keyId ?? aKeyId(source.user)
  return {
    dl: makeId('dl', new Uint8Array(16).fill(n)),
    tr: makeId('tr', new Uint8Array(16).fill(n)),
    requester: { type: 'device', id: source.id, user: source.user.id },
    purpose: null,
    named: true,
    state: 'released',
    stage: null,
    waitingFor: [],
    attempt: 1,
    key: { id: keyId, class: 'container', generation: 1, type: 'age' },
    keyId,
    owner: source.user.id,
    container: 'ct_35kbawdrad69570rfkfhyy361v',
    username: null,
    source: source.id,
    target: target.id,
    targetUser: target.user.id,
    orderBy: 'source',
    mechanism: 'public-key',
    minExposure: { source: 'software', target: 'software' },
    redelivery: false,
    nonce: null,
    notBefore: null,
    deadline: NOW + 7 * DAY_SECONDS,
    changedAt: NOW,
    collections: 0,
    ...NEW_ATTEMPT,
    admittedAt: NOW,
    releasedAt: NOW,
    version: 1,
    ...members,
  }
}

/** Puts deliveries, and a transfer for each, straight into the store. */
export async function putDeliveries(world: World, ...rows: readonly DeliveryRow[]): Promise<void> {
  for (const row of rows) {
    const { tr, requester, keyId: key, purpose, notBefore, deadline, changedAt: createdAt } = row
    await world.context.commit([
      { kind: 'insert-transfer', row: { tr, requester, key, purpose, notBefore, deadline, createdAt } },
      { kind: 'insert-delivery', row },
    ])
  }
}

/** What waits in the inbox of a device: the types, oldest first. */
export async function inboxOf(world: World, recipient: string): Promise<readonly string[]> {
  return (await world.context.read.inbox(recipient, world.clock.now(), 200)).map((notice) => notice.type)
}

/** Whether the server knows each of these keys by this device. */
export async function rolesHeld(world: World, device: TestDevice): Promise<readonly (string | undefined)[]> {
  const roles = await Promise.all(keysOf(device).map((key) => world.context.read.keyRole(key as TestDevice['id'])))
  return roles.map((row) => row?.role)
}
