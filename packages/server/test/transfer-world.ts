import {
  type DeliveryId,
  KeyferryError,
  type KeyId,
  logNameOf,
  type OrderPayload,
  type ReceiptPayload,
  type Ref,
  type Signer,
  type Statement,
  type TransportKeyInfo,
} from '@keyferry/protocol'
import {
  aDevice,
  aKeyId,
  anEnvelopeFor,
  anOrderFor,
  aReceipt,
  aUser,
  DAY_SECONDS,
  type EnvelopeOptions,
  ORIGIN,
  type TestDevice,
  type TestEnvelope,
  type TestUser,
} from '@keyferry/testkit'
import { expect } from 'vitest'
import type { DeviceProof } from '../src/access/caller.ts'
import { DEFAULT_POLICY } from '../src/access/cedar/default-policy.ts'
import { type CedarEngine, cedarEngine } from '../src/access/cedar/engine.ts'
import type { Proof } from '../src/access/proof-windows.ts'
import { inTimeOrNot } from '../src/access/time-limit.ts'
import { committing } from '../src/commit.ts'
import type { ServerContext } from '../src/context.ts'
import { openLog } from '../src/log/log.ts'
import { type MemoryStore, memoryStore } from '../src/store/memory/memory-store.ts'
import type { DeliveryRow, KeyRow } from '../src/store/rows.ts'
import { acknowledge } from '../src/transfers/acknowledge.ts'
import { collect } from '../src/transfers/collect.ts'
import { deposit } from '../src/transfers/deposit.ts'
import { decidePending } from '../src/transfers/pending.ts'
import { requestTransfer } from '../src/transfers/request.ts'
import type { TransferRequest } from '../src/transfers/request-body.ts'
import { transportKeyInfo } from '../src/transfers/transport-key-info.ts'
import { wakeups } from '../src/wakeups.ts'
import { LOG } from './http-world.ts'
import { asDevice, aWorld, enrolAll, inboxOf, type World } from './world.ts'

type DeviceCaller = Awaited<ReturnType<typeof asDevice>>

/** Real use cases, policy engine, log and signatures over a store in memory; luis has two devices, marta one. */
export interface TransferWorld extends World {
  readonly engine: CedarEngine
  readonly luis: TestUser
  readonly marta: TestUser
  /** The source, with a host agent. */
  readonly phone: TestDevice
  readonly tablet: TestDevice
  readonly martas: TestDevice
  /** A container key of luis that the phone holds. */
  readonly key: KeyId
  /** While this is so, no decision is made. */
  engineFails: boolean
}

export async function aTransferWorld(
  options: { policy?: string; store?: MemoryStore; context?: Partial<ServerContext> } = {},
): Promise<TransferWorld> {
  const plain = aWorld(options.store ?? memoryStore())
  const log = await openLog({ store: plain.store, name: logNameOf(ORIGIN), signer: LOG })
  const engine = cedarEngine(options.policy ?? DEFAULT_POLICY, { proofWindowSeconds: 900 })
  const inTime = inTimeOrNot(engine, () => undefined)
  const luis = aUser('luis')
  const marta = aUser('marta')
  const world: TransferWorld = {
    ...plain,
    context: {
      ...plain.context,
      log,
      commit: committing(plain.store, log, wakeups()),
      access: {
        policyHash: engine.policyHash,
        decide: async (call) => (world.engineFails ? null : inTime.decide(call)),
      },
      ...options.context,
    },
    engine,
    luis,
    marta,
    phone: await aDevice(luis, { withAccess: true }),
    tablet: await aDevice(luis, { name: 'tablet' }),
    martas: await aDevice(marta, { withAccess: true }),
    key: aKeyId(luis),
    engineFails: false,
  }
  await enrolAll(world, [world.phone, world.tablet])
  await enrolAll(world, [world.martas])
  await putKey(world, {})
  return world
}

/** The notices about transfers in an inbox, oldest first. */
export async function toldTo(world: TransferWorld, recipient: string): Promise<readonly string[]> {
  return (await inboxOf(world, recipient)).filter((type) => type !== 'enrolment-claimed' && type !== 'device-changed')
}

export const CONTAINER = 'ct_35kbawdrad69570rfkfhyy361v'

/** Says something else of the key of this world, or of another one. */
export async function putKey(world: TransferWorld, members: Partial<KeyRow>): Promise<void> {
  const stored = await world.context.read.key(members.id ?? world.key)
  const row: KeyRow = {
    id: world.key,
    owner: world.luis.id,
    class: 'container',
    type: 'age',
    generation: 1,
    sources: [world.phone.id],
    usages: null,
    username: null,
    container: CONTAINER,
    label: null,
    validFrom: null,
    validUntil: null,
    withdrawn: false,
    ...stored,
    version: (stored?.version ?? 0) + 1,
    ...members,
  }
  await world.context.commit([{ kind: stored === null ? 'insert-key' : 'replace-key', row }])
}

/** The caller of a signed request: its proof is noted, and what waited for it is decided first, as the server does. */
export async function visit(
  world: TransferWorld,
  device: TestDevice,
  method: DeviceProof = 'device-signature',
): Promise<DeviceCaller> {
  const proof: Proof = { method, at: world.clock.now() }
  world.context.proofs.note(device.id, proof)
  const asked = new Set<DeliveryId>()
  while (await decidePending(world.context, device.id, asked));
  return asDevice(world, device, method)
}

/** E1 for marta's device, asked for by the phone unless said otherwise. */
export async function ask(
  world: TransferWorld,
  body: Partial<TransferRequest> = {},
  by: TestDevice = world.phone,
): Promise<DeliveryRow> {
  const view = await requestTransfer(world.context, await asDevice(world, by), {
    key: world.key,
    generation: 1,
    targets: [{ device: world.martas.id }],
    deadline: world.clock.now() + DAY_SECONDS,
    ...body,
  })
  const [delivery] = await world.context.read.deliveriesOf(view.tr as DeliveryRow['tr'])
  if (delivery === undefined) throw new Error('no delivery')
  return delivery
}

export async function rowOf(world: TransferWorld, { dl }: Pick<DeliveryRow, 'dl'>): Promise<DeliveryRow> {
  const row = await world.context.read.delivery(dl)
  if (row === null) throw new Error('no delivery')
  return row
}

/** The order that the source makes of a KtI. */
export async function orderFor(
  world: TransferWorld,
  info: TransportKeyInfo,
  members: Partial<OrderPayload> = {},
  signer?: Signer,
): Promise<Statement<OrderPayload>> {
  return anOrderFor(signer ?? sourceOf(world, info).signer, info, members, world.clock.now())
}

/** What the source makes of a KtI: order, KTI, wrapped key, signature; with whatever `options` spoil. */
export function anEnvelope(
  world: TransferWorld,
  info: TransportKeyInfo,
  options: EnvelopeOptions = {},
): Promise<TestEnvelope> {
  const parties = { source: sourceOf(world, info), target: deviceOf(world, info.target.device) }
  return anEnvelopeFor(parties, info, { at: world.clock.now(), ...options })
}

function sourceOf(world: TransferWorld, info: TransportKeyInfo): TestDevice {
  return deviceOf(world, info.source.device)
}

export function deviceOf(world: TransferWorld, id: string): TestDevice {
  const device = [world.phone, world.tablet, world.martas].find((one) => one.id === id)
  if (device === undefined) throw new Error('nobody of this world')
  return device
}

/** S1 to E5 by the source of the delivery, there and then. */
export async function depositBy(
  world: TransferWorld,
  delivery: Pick<DeliveryRow, 'dl' | 'attempt' | 'source'>,
  options: EnvelopeOptions = {},
): Promise<TestEnvelope & { readonly state: string }> {
  const caller = await visit(world, deviceOf(world, delivery.source))
  const info = await transportKeyInfo(world.context, caller, delivery.dl, 0)
  const envelope = await anEnvelope(world, info, options)
  const { state } = await deposit(world.context, caller, delivery.dl, delivery.attempt, envelope.octets)
  return { ...envelope, state }
}

/** E8/E9 by the target. */
export async function collectBy(world: TransferWorld, delivery: DeliveryRow): Promise<Uint8Array> {
  return collect(world.context, await visit(world, deviceOf(world, delivery.target)), delivery.dl)
}

/** The receipt `installed` for what was deposited in this attempt. */
export async function receiptFor(
  world: TransferWorld,
  { dl }: Pick<DeliveryRow, 'dl'>,
  members: Partial<ReceiptPayload> = {},
  signer?: Signer,
): Promise<Statement<ReceiptPayload>> {
  const row = await rowOf(world, { dl })
  const target = deviceOf(world, row.target)
  return aReceipt(
    signer === undefined ? target : { ...target, signer: signer as TestDevice['signer'] },
    {
      tr: row.tr,
      dl,
      attempt: row.attempt,
      order: row.orderRef as Ref,
      envelope: row.envelopeRef as Ref,
      key: { id: row.key.id, generation: row.key.generation },
      ...members,
    },
    world.clock.now(),
  )
}

/** E10 by the target. */
export async function acknowledgeBy(
  world: TransferWorld,
  delivery: Pick<DeliveryRow, 'dl' | 'target' | 'attempt'>,
  members: Partial<ReceiptPayload> = {},
): Promise<Awaited<ReturnType<typeof acknowledge>>> {
  const receipt = await receiptFor(world, delivery, members)
  const caller = await visit(world, deviceOf(world, delivery.target))
  return acknowledge(world.context, caller, delivery.dl, delivery.attempt, receipt.text)
}

export type Stop = 'requested' | 'admitted' | 'deposited' | 'released' | 'collected' | 'completed'

/** A delivery that has come so far on the usual way; nobody else is there, so it stays. */
export async function aDeliveryIn(
  world: TransferWorld,
  stop: Stop,
  body: Partial<TransferRequest> = {},
  by: TestDevice = world.phone,
): Promise<DeliveryRow> {
  const delivery = await ask(world, body, by)
  const reached = (state: Stop): boolean => state === stop
  if (reached('requested')) return rowOf(world, delivery)
  await visit(world, deviceOf(world, delivery.source))
  if (reached('admitted')) return rowOf(world, delivery)
  await depositBy(world, delivery)
  if (reached('deposited')) return rowOf(world, delivery)
  await visit(world, deviceOf(world, delivery.target))
  if (reached('released')) return rowOf(world, delivery)
  await collectBy(world, delivery)
  if (reached('collected')) return rowOf(world, delivery)
  await acknowledgeBy(world, delivery)
  return rowOf(world, delivery)
}

/** Long enough that no proof is fresh any more. */
export const PROOF_WINDOW = 901

export function failsWith(
  code: string,
  details: Record<string, unknown> = {},
): (task: Promise<unknown>) => Promise<void> {
  return async (task) => {
    const error = await task.then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(KeyferryError)
    expect(error).toMatchObject({ code, details })
  }
}

/** The task is refused with this code, and these members of the problem. */
export async function expectRefused(
  task: Promise<unknown>,
  code: string,
  details: Record<string, unknown> = {},
): Promise<void> {
  await failsWith(code, details)(task)
}
