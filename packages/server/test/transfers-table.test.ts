import { type DeliveryId, type DeliveryState, receiptStatement, signStatement } from '@keyferry/protocol'
import { aDeviceSet, DAY_SECONDS, type TestDevice } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_POLICY } from '../src/access/cedar/default-policy.ts'
import { suspendDevice } from '../src/registry/devices.ts'
import { putStatement } from '../src/registry/put-statement.ts'
import { withdrawKey } from '../src/registry/withdraw-key.ts'
import type { DeliveryRow } from '../src/store/rows.ts'
import { acknowledge } from '../src/transfers/acknowledge.ts'
import { cancel } from '../src/transfers/cancel.ts'
import { collect } from '../src/transfers/collect.ts'
import { deposit } from '../src/transfers/deposit.ts'
import { getReceipt } from '../src/transfers/get-receipt.ts'
import { keyTransferInfo } from '../src/transfers/key-transfer-info.ts'
import { putOrder } from '../src/transfers/put-order.ts'
import { getDelivery, listDecisions, listDeliveries } from '../src/transfers/read.ts'
import { refuse } from '../src/transfers/refuse.ts'
import { retry } from '../src/transfers/retry.ts'
import { sweep } from '../src/transfers/sweep.ts'
import { transportKeyInfo } from '../src/transfers/transport-key-info.ts'
import {
  acknowledgeBy,
  aDeliveryIn,
  anEnvelope,
  ask,
  aTransferWorld,
  collectBy,
  depositBy,
  expectRefused,
  orderFor,
  PROOF_WINDOW,
  putKey,
  receiptFor,
  rowOf,
  type Stop,
  type TransferWorld,
  toldTo,
  visit,
} from './transfer-world.ts'
import { asDevice, OPERATOR } from './world.ts'

/** The default policy, and this rule. */
function deny(action: 'admit' | 'release' | 'collect'): string {
  return `${DEFAULT_POLICY}
@id("test/no")
forbid (principal, action == Action::"receive", resource) when { context.action == "keyferry.${action}" };`
}

let world: TransferWorld
let phone: TestDevice
let tablet: TestDevice
let martas: TestDevice
beforeEach(async () => {
  world = await aTransferWorld()
  phone = world.phone
  tablet = world.tablet
  martas = world.martas
})

const stateOf = async (delivery: { dl: DeliveryId }): Promise<DeliveryState> => (await rowOf(world, delivery)).state
const heldKeys = async ({ dl, attempt }: DeliveryRow): Promise<boolean> =>
  (await world.context.read.sealedEnvelope(dl, attempt)) !== null

describe('row 1', () => {
  it('wakes the source once per proof window, however many deliveries wait', async () => {
    await ask(world)
    await ask(world)
    expect(await toldTo(world, phone.id)).toEqual(['wake'])
    world.clock.advance(PROOF_WINDOW)
    await ask(world)
    expect(await toldTo(world, phone.id)).toEqual(['wake', 'wake'])
  })

  it('wakes with a notice that names no delivery, and whose time tells nothing', async () => {
    await ask(world, { deadline: world.clock.now() + 60 })
    const notices = await world.context.read.inbox(phone.id, world.clock.now(), 100)
    const wake = notices.find(({ type }) => type === 'wake')
    expect(wake).toMatchObject({ delivery: null, expiresAt: world.clock.now() + 90 * DAY_SECONDS })
  })

  it('wakes nobody whose proof is fresh: the decision is made at once', async () => {
    await visit(world, phone)
    expect(await ask(world)).toMatchObject({ state: 'admitted' })
    expect(await toldTo(world, phone.id)).toEqual(['source-requested'])
  })
})

describe('row 2', () => {
  it('admits when the source proves itself, and not before `notBefore`', async () => {
    const delivery = await ask(world, { notBefore: world.clock.now() + 100 })
    const waits = async () =>
      (await getDelivery(world.context, await asDevice(world, phone), delivery.dl)).view.waitingFor
    await visit(world, phone)
    expect(await stateOf(delivery)).toBe('requested')
    expect(await waits()).toEqual([])
    world.clock.advance(100)
    await visit(world, tablet)
    expect(await waits()).toEqual(['source-proof'])
    expect(await stateOf(delivery)).toBe('requested')
    await visit(world, phone, 'access-signature')
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'admitted', admittedAt: world.clock.now() })
  })

  it('repeats the call where there was no decision, as long as the proof is fresh', async () => {
    const delivery = await ask(world)
    world.engineFails = true
    await visit(world, phone)
    await sweep(world.context)
    expect(await stateOf(delivery)).toBe('requested')
    world.engineFails = false
    await sweep(world.context)
    expect(await stateOf(delivery)).toBe('admitted')
  })

  it('asks a foreign orderer for his order first (row 5), and takes one', async () => {
    const { context } = world
    const { dl } = await aDeliveryIn(world, 'admitted', { orderBy: tablet.id })
    expect(await toldTo(world, tablet.id)).toEqual(['order-requested'])
    expect(await toldTo(world, phone.id)).toEqual(['wake'])
    const orderer = await visit(world, tablet)
    expect((await getDelivery(context, orderer, dl)).view.waitingFor).toEqual(['order'])
    const info = await transportKeyInfo(context, orderer, dl, 0)
    const order = await orderFor(world, info, {}, tablet.signer)
    expect(await putOrder(context, orderer, dl, 1, order.text)).toEqual({ ref: order.ref, created: true })
    expect(await putOrder(context, orderer, dl, 1, order.text)).toEqual({ ref: order.ref, created: false })
    const other = await orderFor(world, info, { exp: info.deadline - 1 }, tablet.signer)
    await expectRefused(putOrder(context, orderer, dl, 1, other.text), 'state-conflict', { state: 'admitted' })
    expect(await toldTo(world, phone.id)).toEqual(['wake', 'source-requested'])
    const source = await visit(world, phone)
    const withOrder = await transportKeyInfo(context, source, dl, 0)
    expect(withOrder.order).toBe(order.text)
    const envelope = await anEnvelope(world, withOrder, { orderText: order })
    expect(await deposit(context, source, dl, 1, envelope.octets)).toMatchObject({ state: 'deposited' })
  })
})

describe('row 4', () => {
  it('refuses what AC1 denies, and tells the requester only', async () => {
    const delivery = await ask(world, {}, martas)
    world.engine.replacePolicy(deny('admit'))
    await visit(world, phone)
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'refused', stage: 'ac1', reason: 'test/no' })
    expect(await toldTo(world, martas.id)).toEqual(['outcome'])
    expect(await toldTo(world, phone.id)).toEqual(['wake'])
  })

  it('asks AC1 again at S1', async () => {
    const delivery = await aDeliveryIn(world, 'admitted')
    const { dl } = delivery
    world.engineFails = true
    await expectRefused(transportKeyInfo(world.context, await visit(world, phone), dl, 0), 'unavailable')
    world.engineFails = false
    world.engine.replacePolicy(deny('admit'))
    const denied = { stage: 'ac1', reason: 'test/no' }
    await expectRefused(transportKeyInfo(world.context, await visit(world, phone), dl, 0), 'access-denied', denied)
    expect(await stateOf(delivery)).toBe('refused')
    const { items } = await listDecisions(world.context, await asDevice(world, phone), dl)
    expect(items).toMatchObject([{ decision: 'permit' }, { decision: 'deny', reason: 'test/no' }])
  })

  it('refuses what AC2 denies, erases the wrapped key, and tells requester and source', async () => {
    const delivery = await aDeliveryIn(world, 'deposited', {}, tablet)
    world.engine.replacePolicy(deny('release'))
    await visit(world, martas)
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'refused', stage: 'ac2' })
    expect(await heldKeys(delivery)).toBe(false)
    expect(await toldTo(world, tablet.id)).toEqual(['outcome'])
    expect(await toldTo(world, phone.id)).toEqual(['wake', 'outcome'])
    expect(await toldTo(world, martas.id)).toEqual(['wake'])
  })

  it('says so at the deposit if the target is there', async () => {
    const delivery = await aDeliveryIn(world, 'admitted')
    await visit(world, martas)
    world.engine.replacePolicy(deny('release'))
    const caller = await visit(world, phone)
    const info = await transportKeyInfo(world.context, caller, delivery.dl, 0)
    const { octets } = await anEnvelope(world, info)
    const refused = { state: 'refused', reason: 'test/no', created: true }
    expect(await deposit(world.context, caller, delivery.dl, 1, octets)).toMatchObject(refused)
    expect(await deposit(world.context, caller, delivery.dl, 1, octets)).toMatchObject({ ...refused, created: false })
  })
})

describe('row 6', () => {
  it('lets source, orderer and target refuse, each in its state, once', async () => {
    const { context } = world
    const bySource = await aDeliveryIn(world, 'admitted', {}, martas)
    const source = await asDevice(world, phone)
    const refused = await refuse(context, source, bySource.dl, { reason: 'key-absent' })
    expect(refused).toMatchObject({ state: 'refused', stage: 'source', reason: 'key-absent' })
    expect(await refuse(context, source, bySource.dl, { reason: 'key-absent' })).toEqual(refused)
    await expectRefused(refuse(context, source, bySource.dl, { reason: 'declined' }), 'delivery-closed')
    expect(await toldTo(world, martas.id)).toEqual(['outcome'])

    const byOrderer = await aDeliveryIn(world, 'admitted', { orderBy: tablet.id })
    await refuse(context, await asDevice(world, tablet), byOrderer.dl, { reason: 'declined' })
    expect(await rowOf(world, byOrderer)).toMatchObject({ state: 'refused', stage: 'source' })

    const byTarget = await aDeliveryIn(world, 'released')
    await expectRefused(refuse(context, source, byTarget.dl, { reason: 'declined' }), 'state-conflict')
    await refuse(context, await asDevice(world, martas), byTarget.dl, { reason: 'owner-untrusted' })
    expect(await rowOf(world, byTarget)).toMatchObject({ state: 'refused', stage: 'target' })
    expect(await heldKeys(byTarget)).toBe(false)
  })
})

describe('row 7', () => {
  it('wakes the target, and releases at once if it is there', async () => {
    const away = await aDeliveryIn(world, 'deposited')
    expect(await toldTo(world, martas.id)).toEqual(['wake'])
    await visit(world, martas)
    expect(await stateOf(away)).toBe('released')
    const { dl } = await aDeliveryIn(world, 'admitted')
    expect((await depositBy(world, await rowOf(world, { dl }))).state).toBe('released')
  })
})

describe('row 8', () => {
  const generation = (n: number, validFrom: number | null = null): Promise<void> =>
    putKey(world, { generation: n, validFrom })

  it('lets a lower generation go first, until the newer one is in force', async () => {
    const soon = world.clock.now() + 3600
    const old = await aDeliveryIn(world, 'admitted')
    await generation(2, soon)
    const newer = await aDeliveryIn(world, 'deposited', { generation: 2 })
    await depositBy(world, old)
    world.clock.advance(PROOF_WINDOW)
    await visit(world, martas)
    expect([await stateOf(old), await stateOf(newer)]).toEqual(['released', 'deposited'])
    await collectBy(world, old)
    await visit(world, martas)
    expect(await stateOf(newer)).toBe('released')
  })

  it('withdraws older ones that were not collected as soon as the newer one is deposited', async () => {
    const older = await aDeliveryIn(world, 'released')
    const collected = await aDeliveryIn(world, 'collected')
    await generation(2)
    const newer = await aDeliveryIn(world, 'admitted', { generation: 2 })
    expect(await stateOf(older)).toBe('released')
    await depositBy(world, newer)
    expect(await rowOf(world, older)).toMatchObject({ state: 'withdrawn', reason: 'superseded' })
    expect(await heldKeys(older)).toBe(false)
    expect(await stateOf(collected)).toBe('collected')
  })

  it('withdraws an older one when the time of the newer one has come', async () => {
    const older = await aDeliveryIn(world, 'released')
    await generation(2, world.clock.now() + 3600)
    await aDeliveryIn(world, 'deposited', { generation: 2 })
    expect(await stateOf(older)).toBe('released')
    world.clock.advance(3600)
    await expectRefused(collectBy(world, older), 'delivery-closed', { state: 'withdrawn' })
    expect(await rowOf(world, older)).toMatchObject({ state: 'withdrawn', reason: 'superseded' })
  })
})

describe('rows 9 and 10', () => {
  it('gives the envelope three times', async () => {
    const delivery = await aDeliveryIn(world, 'released')
    const first = await collectBy(world, delivery)
    expect(await collectBy(world, delivery)).toEqual(first)
    expect(await collectBy(world, delivery)).toEqual(first)
    await expectRefused(collectBy(world, delivery), 'already-collected', { state: 'collected' })
    expect((await acknowledgeBy(world, delivery)).state).toBe('completed')
  })

  it.each(['released', 'collected'] as const)('evaluates policy again in %s', async (stop) => {
    const delivery = await aDeliveryIn(world, stop)
    world.engineFails = true
    await expectRefused(collectBy(world, delivery), 'unavailable')
    world.engineFails = false
    world.engine.replacePolicy(deny('collect'))
    await expectRefused(collectBy(world, delivery), 'access-denied', { stage: 'ac2', reason: 'test/no' })
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'refused', stage: 'ac2', reason: 'test/no' })
    expect(await heldKeys(delivery)).toBe(false)
    expect(await toldTo(world, phone.id)).toContain('outcome')
    expect(await toldTo(world, martas.id)).not.toContain('outcome')
  })

  it('asks for a code that nobody can give here', async () => {
    const delivery = await aDeliveryIn(world, 'released')
    world.engine.replacePolicy(
      `${DEFAULT_POLICY.replaceAll('@id("default/other', '@code("collect")\n@id("default/other')}`,
    )
    await expectRefused(collectBy(world, delivery), 'code-required', { kind: 'totp' })
    expect(await stateOf(delivery)).toBe('released')
  })
})

describe('row 11', () => {
  it('completes or fails, erases, and tells requester and source', async () => {
    const installed = await aDeliveryIn(world, 'completed', {}, tablet)
    expect(installed).toMatchObject({ state: 'completed', reason: null })
    const rejected = await aDeliveryIn(world, 'collected', {}, tablet)
    await acknowledgeBy(world, rejected, { outcome: 'rejected', reason: 'unwrap-failed' })
    expect(await rowOf(world, rejected)).toMatchObject({ state: 'failed', reason: 'unwrap-failed' })
    expect([await heldKeys(installed), await heldKeys(rejected)]).toEqual([false, false])
    expect(await toldTo(world, tablet.id)).toEqual(['outcome', 'outcome'])
    expect(await toldTo(world, martas.id)).toEqual(['wake'])
  })

  it('takes no receipt before there was an envelope, nor of another attempt', async () => {
    const released = await aDeliveryIn(world, 'released')
    await expectRefused(acknowledgeBy(world, released), 'state-conflict', { state: 'released' })
    await refuse(world.context, await asDevice(world, martas), released.dl, { reason: 'declined' })
    await expectRefused(acknowledgeBy(world, released), 'delivery-closed', { state: 'refused' })
    const collected = await aDeliveryIn(world, 'collected')
    await expectRefused(acknowledgeBy(world, { ...collected, attempt: 2 }), 'state-conflict')
  })

  it('keeps a second, different receipt and refuses it', async () => {
    const delivery = await aDeliveryIn(world, 'completed')
    const second = await receiptFor(world, delivery, { outcome: 'rejected', reason: 'declined' })
    const sizeBefore = world.context.log.size
    const put = () => acknowledgeBy(world, delivery, { outcome: 'rejected', reason: 'declined' })
    await expectRefused(put(), 'state-conflict', { state: 'completed' })
    await expectRefused(put(), 'state-conflict')
    expect(await world.context.read.statement(second.ref)).toMatchObject({ subject: delivery.dl })
    expect(world.context.log.size).toBe(sizeBefore + 1)
  })

  it.each([
    ['tr', { tr: 'tr_2ck0frzqa7em6qn7679ps32h78' }, 'binding-mismatch'],
    ['origin', { origin: 'https://other.example' }, 'binding-mismatch'],
    ['envelope', { envelope: 'A'.repeat(43) }, 'binding-mismatch'],
    ['order', { order: 'A'.repeat(43) }, 'binding-mismatch'],
    ['generation', { key: 2 }, 'binding-mismatch'],
    ['checkpoint', { checkpoint: { size: 1, root: 'A'.repeat(43) } }, 'checkpoint-invalid'],
  ])('refuses a receipt with another %s', async (_, members, check) => {
    const delivery = await aDeliveryIn(world, 'collected')
    const key = { id: delivery.keyId, generation: 'key' in members ? 2 : 1 }
    await expectRefused(acknowledgeBy(world, delivery, { ...members, key } as never), 'receipt-invalid', { check })
    expect(await stateOf(delivery)).toBe('collected')
  })

  it('takes a receipt that leaves out what the target could not read', async () => {
    const delivery = await aDeliveryIn(world, 'collected')
    const {
      order: _,
      key: __,
      ...members
    } = (await receiptFor(world, delivery, { outcome: 'rejected', reason: 'envelope-malformed' })).payload
    const short = await signStatement(receiptStatement, martas.signer, members)
    const caller = await visit(world, martas)
    expect((await acknowledge(world.context, caller, delivery.dl, 1, short.text)).state).toBe('failed')
    const forged = await signStatement(receiptStatement, phone.signer, members)
    await expectRefused(acknowledge(world.context, caller, delivery.dl, 1, forged.text), 'receipt-invalid', {
      check: 'signature-invalid',
    })
  })
})

describe('row 12', () => {
  const OPEN = ['requested', 'admitted', 'deposited', 'released'] as const

  it.each(OPEN)('cancels in %s, erases, and tells all that were told before', async (stop) => {
    const delivery = await aDeliveryIn(world, stop, {}, tablet)
    const by = await asDevice(world, tablet)
    const cancelled = await cancel(world.context, by, delivery.dl, {})
    expect(cancelled).toMatchObject({ state: 'cancelled', reason: 'cancelled' })
    expect(await cancel(world.context, by, delivery.dl, {})).toEqual(cancelled)
    await expectRefused(cancel(world.context, OPERATOR, delivery.dl, {}), 'delivery-closed', { state: 'cancelled' })
    expect(await heldKeys(delivery)).toBe(false)
    const told = async (device: TestDevice) => (await toldTo(world, device.id)).includes('outcome')
    expect(await told(tablet)).toBe(true)
    expect(await told(phone)).toBe(stop !== 'requested')
    expect(await told(martas)).toBe(stop === 'released')
  })

  it('is too late once it was collected', async () => {
    const collected = await aDeliveryIn(world, 'collected')
    const by = await asDevice(world, phone)
    await expectRefused(cancel(world.context, by, collected.dl, {}), 'state-conflict', { state: 'collected' })
    const completed = await aDeliveryIn(world, 'completed')
    await expectRefused(cancel(world.context, by, completed.dl, {}), 'delivery-closed', { state: 'completed' })
  })
})

describe('row 13', () => {
  const STOPS: readonly Stop[] = ['requested', 'admitted', 'deposited', 'released', 'collected']

  it.each(STOPS)('expires in %s at the deadline, and tells all that were told before', async (stop) => {
    const delivery = await aDeliveryIn(world, stop)
    world.clock.set(delivery.deadline - 1)
    expect(await sweep(world.context)).toBe(0)
    world.clock.set(delivery.deadline)
    // Whoever looks sees it before the sweeper comes by.
    const seen = (await getDelivery(world.context, await asDevice(world, phone), delivery.dl)).view
    expect(seen).toMatchObject({ state: 'expired', reason: 'deadline', changedAt: delivery.deadline })
    expect(await sweep(world.context)).toBe(1)
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'expired', changedAt: delivery.deadline })
    expect(await heldKeys(delivery)).toBe(false)
    expect(await toldTo(world, phone.id)).toContain('outcome')
    const targetKnows = stop === 'released' || stop === 'collected'
    expect((await toldTo(world, martas.id)).includes('outcome')).toBe(targetKnows)
  })

  it('forbids everything else from the deadline on, whether or not the sweeper came by', async () => {
    const { context, clock } = world
    const released = await aDeliveryIn(world, 'released')
    const admitted = await aDeliveryIn(world, 'admitted', { deadline: released.deadline })
    clock.advance(PROOF_WINDOW)
    const deposited = await aDeliveryIn(world, 'deposited', { deadline: released.deadline })
    clock.advance(PROOF_WINDOW)
    const requested = await aDeliveryIn(world, 'requested', { deadline: released.deadline })
    clock.set(released.deadline)
    const source = await visit(world, phone)
    const target = await visit(world, martas)
    expect([await stateOf(requested), await stateOf(deposited)]).toEqual(['requested', 'deposited'])
    const closed = ['delivery-closed', { state: 'expired' }] as const
    await expectRefused(transportKeyInfo(context, source, admitted.dl, 0), ...closed)
    await expectRefused(deposit(context, source, admitted.dl, 1, new Uint8Array(3)), ...closed)
    await expectRefused(refuse(context, source, admitted.dl, { reason: 'declined' }), ...closed)
    await expectRefused(putOrder(context, source, admitted.dl, 1, ''), ...closed)
    await expectRefused(cancel(context, source, admitted.dl, {}), ...closed)
    await expectRefused(keyTransferInfo(context, target, released.dl, 0), ...closed)
    await expectRefused(collect(context, target, released.dl), ...closed)
    const list = await listDeliveries(context, target, { role: 'target', states: ['released'], limit: 10 })
    expect(list.items).toEqual([])
  })

  it('takes a late receipt, before and after the sweeper came by, and changes no state', async () => {
    for (const sweepFirst of [true, false]) {
      const delivery = await aDeliveryIn(world, 'collected')
      world.clock.set(delivery.deadline + 10)
      if (sweepFirst) await sweep(world.context)
      const { state, index, created } = await acknowledgeBy(world, delivery)
      expect({ state, created }).toEqual({ state: 'expired', created: true })
      expect(await rowOf(world, delivery)).toMatchObject({ state: 'expired', lateReceipt: true })
      expect(index).toBe(world.context.log.size - 1)
      expect(await heldKeys(delivery)).toBe(false)
      const view = (await getDelivery(world.context, await asDevice(world, phone), delivery.dl)).view
      expect(view.lateReceipt).toBe(true)
    }
  })
})

describe('row 14', () => {
  it.each(['admitted', 'deposited', 'released', 'collected'] as const)(
    'withdraws in %s when a device is suspended',
    async (stop) => {
      const delivery = await aDeliveryIn(world, stop)
      await suspendDevice(world.context, OPERATOR, martas.id, { suspended: true, reason: 'lost' })
      expect(await rowOf(world, delivery)).toMatchObject({ state: 'withdrawn', reason: 'device-suspended' })
      expect(await heldKeys(delivery)).toBe(false)
      expect(await toldTo(world, phone.id)).toContain('outcome')
    },
  )

  it('withdraws when the key is withdrawn', async () => {
    const delivery = await aDeliveryIn(world, 'released')
    await withdrawKey(world.context, await asDevice(world, phone), world.key, null)
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'withdrawn', reason: 'key-withdrawn' })
  })

  it('lets what is overdue expire instead', async () => {
    const delivery = await aDeliveryIn(world, 'released')
    world.clock.set(delivery.deadline)
    await suspendDevice(world.context, OPERATOR, martas.id, { suspended: true, reason: 'lost' })
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'expired', reason: 'deadline' })
  })

  /** As if this row had been written by a request that had read before the revocation: nothing found it there. */
  async function rewound(delivery: DeliveryRow): Promise<DeliveryRow> {
    const now = await rowOf(world, delivery)
    expect(now.state).toBe('withdrawn')
    const row = { ...delivery, version: now.version + 1 }
    await world.context.commit([{ kind: 'replace-delivery', row }])
    return row
  }

  it.each([
    ['AC1', 'requested', (d: DeliveryRow) => visit(world, phone).then(() => stateOf(d))],
    ['KtI', 'admitted', async (d: DeliveryRow) => transportKeyInfo(world.context, await visit(world, phone), d.dl, 0)],
    ['AC2', 'deposited', async (d: DeliveryRow) => sweepFor(d)],
  ] as const)('is found at %s by what came into being meanwhile', async (_, stop, goOn) => {
    const delivery = await aDeliveryIn(world, stop)
    world.context.proofs.note(martas.id, { method: 'device-signature', at: world.clock.now() })
    await suspendDevice(world.context, OPERATOR, martas.id, { suspended: true, reason: 'lost' })
    await goOn(await rewound(delivery)).catch(() => null)
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'withdrawn', reason: 'device-suspended' })
  })

  async function sweepFor(delivery: DeliveryRow): Promise<DeliveryState> {
    await sweep(world.context)
    return stateOf(delivery)
  }

  it('is found at T2 and at the collection', async () => {
    for (const step of [keyTransferInfo, collect] as const) {
      const delivery = await aDeliveryIn(world, 'released')
      await suspendDevice(world.context, OPERATOR, phone.id, { suspended: true, reason: 'lost' })
      const caller = await asDevice(world, martas)
      await rewound(delivery)
      await expectRefused(step(world.context, caller, delivery.dl, 0), 'delivery-closed', {
        state: 'withdrawn',
        reason: 'device-suspended',
      })
      expect(await stateOf(delivery)).toBe('withdrawn')
      await suspendDevice(world.context, OPERATOR, phone.id, { suspended: false, reason: '' })
    }
  })

  it('is found at the deposit: D4 says why, and the delivery stays', async () => {
    const delivery = await aDeliveryIn(world, 'admitted')
    const caller = await visit(world, phone)
    const { octets } = await anEnvelope(world, await transportKeyInfo(world.context, caller, delivery.dl, 0))
    await suspendDevice(world.context, OPERATOR, martas.id, { suspended: true, reason: 'lost' })
    await rewound(delivery)
    await expectRefused(deposit(world.context, caller, delivery.dl, 1, octets), 'envelope-invalid', {
      check: 'device-suspended',
    })
    expect(await stateOf(delivery)).toBe('admitted')
  })

  it('is found for a device that its newest set no longer lists', async () => {
    const delivery = await aDeliveryIn(world, 'admitted', { targets: [{ device: tablet.id }] })
    const before = (await world.context.read.user(world.luis.id))?.setRef
    const old = await world.context.statements.deviceSet(before as never)
    const set = await aDeviceSet(world.luis, [phone], { after: old, revoked: [tablet], at: world.clock.now() })
    await putStatement(world.context, await asDevice(world, phone), set.ref, set.text)
    await rewound(delivery)
    await expectRefused(transportKeyInfo(world.context, await visit(world, phone), delivery.dl, 0), 'delivery-closed')
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'withdrawn', reason: 'device-revoked' })
  })
})

describe('row 15', () => {
  const again = (delivery: DeliveryRow, by: TestDevice, seconds = DAY_SECONDS) =>
    asDevice(world, by).then((caller) =>
      retry(world.context, caller, delivery.dl, { deadline: world.clock.now() + seconds }),
    )

  it('begins a new attempt of what failed, expired, or was refused by a device, three attempts in all', async () => {
    const delivery = await aDeliveryIn(world, 'collected', {}, martas)
    await acknowledgeBy(world, delivery, { outcome: 'rejected', reason: 'unwrap-failed' })
    expect(await again(delivery, martas)).toMatchObject({ attempt: 2, state: 'admitted' })
    const second = await rowOf(world, delivery)
    expect(second).toMatchObject({ orderRef: null, envelopeRef: null, receiptRef: null, collections: 0 })
    await refuse(world.context, await asDevice(world, phone), delivery.dl, { reason: 'declined' })
    world.clock.advance(PROOF_WINDOW)
    expect(await again(delivery, martas)).toMatchObject({ attempt: 3, state: 'requested' })
    expect(await toldTo(world, phone.id)).toContain('wake')
    world.clock.advance(2 * DAY_SECONDS)
    await expectRefused(again(delivery, martas), 'delivery-closed', { state: 'expired' })
  })

  it('keeps the receipt of the attempt before for its parties, and of two the first', async () => {
    const delivery = await aDeliveryIn(world, 'collected')
    const first = await receiptFor(world, delivery, { outcome: 'rejected', reason: 'unwrap-failed' })
    const second = await receiptFor(world, delivery, { outcome: 'rejected', reason: 'declined' })
    const caller = await visit(world, martas)
    await acknowledge(world.context, caller, delivery.dl, 1, first.text)
    await expectRefused(acknowledge(world.context, caller, delivery.dl, 1, second.text), 'state-conflict')
    const get = async (attempt: number) => getReceipt(world.context, await asDevice(world, phone), delivery.dl, attempt)
    expect(await get(1)).toBe(first.text)
    await again(delivery, phone)
    expect(await get(1)).toBe(first.text)
    await expectRefused(get(2), 'not-found')
    await expectRefused(get(3), 'not-found')
  })

  it('tries what has expired before the sweeper came by', async () => {
    const delivery = await aDeliveryIn(world, 'collected')
    world.clock.set(delivery.deadline)
    expect(await again(delivery, phone)).toMatchObject({ attempt: 2 })
    expect(await heldKeys(delivery)).toBe(false)
    await depositBy(world, await rowOf(world, delivery))
    await collectBy(world, delivery)
    expect((await acknowledgeBy(world, { ...delivery, attempt: 2 })).state).toBe('completed')
  })

  it('is for who cancelled, where somebody did', async () => {
    const delivery = await aDeliveryIn(world, 'admitted', {}, martas)
    await cancel(world.context, await asDevice(world, phone), delivery.dl, {})
    await expectRefused(again(delivery, martas), 'delivery-closed', { state: 'cancelled' })
    expect(await again(delivery, tablet)).toMatchObject({ attempt: 2 })
  })

  it('is not for what a decision refused, what is open, done or withdrawn, nor with a bad deadline', async () => {
    const open = await aDeliveryIn(world, 'admitted')
    await expectRefused(again(open, phone), 'state-conflict', { state: 'admitted' })
    await cancel(world.context, await asDevice(world, phone), open.dl, {})
    await expectRefused(again(open, phone, 0), 'malformed')
    await expectRefused(again(open, phone, 91 * DAY_SECONDS), 'malformed')
    await expectRefused(again(open, martas), 'not-found')
    await expectRefused(again(await aDeliveryIn(world, 'completed'), phone), 'delivery-closed')
    world.clock.advance(PROOF_WINDOW)
    const denied = await ask(world, { targets: [{ device: tablet.id }] })
    world.engine.replacePolicy(deny('admit'))
    await visit(world, phone)
    await expectRefused(again(denied, phone), 'delivery-closed')
    await suspendDevice(world.context, OPERATOR, martas.id, { suspended: true, reason: 'lost' })
    world.engine.replacePolicy(DEFAULT_POLICY)
    await expectRefused(again(open, phone), 'delivery-closed')
  })
})

describe('whose a delivery is', () => {
  it('is nobody’s who has no part in it, and nobody’s part but his own', async () => {
    const { context } = world
    const stranger = {
      type: 'application',
      application: { id: 'A'.repeat(43), jwk: '', name: '', version: 1 },
    } as never
    for (const stop of ['requested', 'admitted', 'deposited', 'released', 'collected'] as const) {
      const { dl } = await aDeliveryIn(world, stop)
      const [source, other, target] = [
        await asDevice(world, phone),
        await asDevice(world, tablet),
        await asDevice(world, martas),
      ]
      await expectRefused(getDelivery(context, stranger, dl), 'not-found')
      await expectRefused(transportKeyInfo(context, target, dl, 0), 'not-found')
      await expectRefused(transportKeyInfo(context, other, dl, 0), 'not-found')
      await expectRefused(deposit(context, other, dl, 1, new Uint8Array(0)), 'not-found')
      await expectRefused(deposit(context, target, dl, 1, new Uint8Array(0)), 'not-found')
      await expectRefused(putOrder(context, other, dl, 1, ''), 'not-found')
      await expectRefused(collect(context, source, dl), 'not-found')
      await expectRefused(keyTransferInfo(context, source, dl, 0), 'not-found')
      await expectRefused(refuse(context, other, dl, { reason: 'declined' }), 'not-found')
      await expectRefused(cancel(context, target, dl, {}), 'not-found')
      const isTold = stop === 'released' || stop === 'collected'
      if (!isTold) await expectRefused(getDelivery(context, target, dl), 'not-found')
      else expect((await getDelivery(context, target, dl)).view.dl).toBe(dl)
      await cancel(context, OPERATOR, dl, {}).catch(() => null)
    }
  })

  it('shows each what he may do', async () => {
    const names = async (delivery: DeliveryRow, by: TestDevice) =>
      Object.keys((await getDelivery(world.context, await asDevice(world, by), delivery.dl)).view.links)
    const admitted = await aDeliveryIn(world, 'admitted')
    expect(await names(admitted, phone)).toEqual([
      'self',
      'transport-key-info',
      'order',
      'envelope',
      'refusal',
      'cancellation',
    ])
    const released = await aDeliveryIn(world, 'released')
    expect(await names(released, martas)).toEqual(['self', 'key-transfer-info', 'collections', 'refusal'])
    await collectBy(world, released)
    expect(await names(released, martas)).toEqual(['self', 'key-transfer-info', 'collections', 'receipt'])
    await acknowledgeBy(world, released, { outcome: 'rejected', reason: 'declined' })
    expect(await names(released, tablet)).toEqual(['self', 'retry'])
  })
})
