import { type DeliveryId, holdsWrappedKey } from '@keyferry/protocol'
import { DAY_SECONDS } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_POLICY } from '../src/access/cedar/default-policy.ts'
import type { DeliveryRow, IdempotencyRow } from '../src/store/rows.ts'
import { acknowledge } from '../src/transfers/acknowledge.ts'
import { approve } from '../src/transfers/approve.ts'
import { cancel } from '../src/transfers/cancel.ts'
import { collect } from '../src/transfers/collect.ts'
import { deposit } from '../src/transfers/deposit.ts'
import { putOrder } from '../src/transfers/put-order.ts'
import { refuse } from '../src/transfers/refuse.ts'
import { requestTransfer } from '../src/transfers/request.ts'
import { retry } from '../src/transfers/retry.ts'
import { transportKeyInfo } from '../src/transfers/transport-key-info.ts'
import {
  aDeliveryIn,
  anEnvelope,
  ask,
  aTransferWorld,
  expectRefused,
  orderFor,
  receiptFor,
  rowOf,
  type Stop,
  type TransferWorld,
  visit,
} from './transfer-world.ts'
import { asDevice } from './world.ts'

let world: TransferWorld
beforeEach(async () => {
  world = await aTransferWorld()
})

/** Everything that a unit of work can leave behind for this delivery and its parties. */
async function traceOf(delivery: DeliveryRow): Promise<unknown> {
  const { read } = world.context
  const now = world.clock.now()
  const inboxes = [world.phone, world.tablet, world.martas].map(({ id }) => read.inbox(id, now, 1000))
  return {
    row: await read.delivery(delivery.dl),
    held: (await read.sealedEnvelope(delivery.dl, delivery.attempt)) !== null,
    leaves: (await read.leaves(0, await read.leafCount())).map(({ ref }) => ref),
    decisions: (await read.decisions(delivery.dl)).length,
    notices: (await Promise.all(inboxes)).flat().map(({ id, state }) => `${id} ${state}`),
  }
}

type Act = (delivery: DeliveryRow) => Promise<() => Promise<unknown>>
const bySource: Act = async ({ dl }) => {
  const caller = await asDevice(world, world.phone)
  const { octets } = await anEnvelope(world, await transportKeyInfo(world.context, caller, dl, 0))
  return () => deposit(world.context, caller, dl, 1, octets)
}
const byTarget: Act = async (delivery) => {
  const caller = await asDevice(world, world.martas)
  const { text } = await receiptFor(world, delivery)
  return () => acknowledge(world.context, caller, delivery.dl, 1, text)
}
const refusal: Act = async ({ dl }) => {
  const caller = await asDevice(world, world.martas)
  return () => refuse(world.context, caller, dl, { reason: 'declined' })
}
const cancellation: Act = async ({ dl }) => {
  const caller = await asDevice(world, world.phone)
  return () => cancel(world.context, caller, dl, {})
}
const anOrder: Act = async ({ dl }) => {
  const caller = await asDevice(world, world.phone)
  const { text } = await orderFor(world, await transportKeyInfo(world.context, caller, dl, 0))
  return () => putOrder(world.context, caller, dl, 1, text)
}

const ACTS: readonly (readonly [name: string, from: Stop, act: Act, after: string])[] = [
  ['an order', 'admitted', anOrder, 'admitted'],
  ['a deposit', 'admitted', bySource, 'deposited'],
  ['a receipt', 'collected', byTarget, 'completed'],
  ['a refusal', 'released', refusal, 'refused'],
  ['a cancellation', 'deposited', cancellation, 'cancelled'],
]

describe.each(ACTS)('%s', (_, from, prepare, after) => {
  it('is not acknowledged, and leaves nothing, if the store fails before it writes', async () => {
    const delivery = await aDeliveryIn(world, from)
    const act = await prepare(delivery)
    const before = await traceOf(delivery)
    world.store.failBefore(1)
    await expectRefused(act(), 'unavailable')
    expect(await traceOf(delivery)).toEqual(before)
    await act()
    expect(await rowOf(world, delivery)).toMatchObject({ state: after })
  })

  it('is there once if the store fails after it wrote, and the repeat says so', async () => {
    const delivery = await aDeliveryIn(world, from)
    const act = await prepare(delivery)
    world.store.failAfter(1)
    await expectRefused(act(), 'unavailable')
    const there = await traceOf(delivery)
    expect(there).toMatchObject({ row: { state: after }, held: holdsWrappedKey(after as DeliveryRow['state']) })
    const repeat = (await act()) as { created?: boolean }
    expect(repeat.created ?? false).toBe(false)
    expect(await traceOf(delivery)).toEqual(there)
  })

  it('is once there of two at once that are the same', async () => {
    const delivery = await aDeliveryIn(world, from)
    const act = await prepare(delivery)
    await Promise.all([act(), act()])
    const there = (await traceOf(delivery)) as { leaves: string[]; row: DeliveryRow }
    expect(there.row.state).toBe(after)
    expect(new Set(there.leaves).size).toBe(there.leaves.length)
  })
})

describe('a collection', () => {
  it('gives nothing that is not counted', async () => {
    const delivery = await aDeliveryIn(world, 'released')
    const caller = await asDevice(world, world.martas)
    const before = await traceOf(delivery)
    world.store.failBefore(1)
    await expectRefused(collect(world.context, caller, delivery.dl), 'unavailable')
    expect(await traceOf(delivery)).toEqual(before)
    world.store.failAfter(1)
    await expectRefused(collect(world.context, caller, delivery.dl), 'unavailable')
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'collected', collections: 1 })
  })

  it('happens three times, however many ask at once', async () => {
    const delivery = await aDeliveryIn(world, 'released')
    const caller = await asDevice(world, world.martas)
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => collect(world.context, caller, delivery.dl)))
    const given = tries.filter(({ status }) => status === 'fulfilled').length
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'collected', collections: given })
    expect(given).toBeLessThanOrEqual(3)
  })
})

describe('requests that may be sent twice', () => {
  const remember = (view: unknown): IdempotencyRow => ({
    scope: world.phone.id,
    key: 'the same key, twice',
    request: '',
    status: 201,
    body: JSON.stringify(view),
    expiresAt: world.clock.now() + 100,
  })

  it('make one transfer, with the entry that answers the repeat', async () => {
    const caller = await asDevice(world, world.phone)
    const body = {
      key: world.key,
      generation: 1,
      targets: [{ device: world.martas.id }],
      deadline: world.clock.now() + DAY_SECONDS,
    }
    const request = () => requestTransfer(world.context, caller, body, remember)
    const transfers = async () => (await world.context.read.transfersOf(world.luis.id, 10)).length
    world.store.failBefore('insert-transfer')
    await expectRefused(request(), 'unavailable')
    expect(await transfers()).toBe(0)
    world.store.failAfter('insert-transfer')
    await expectRefused(request(), 'unavailable')
    expect(await transfers()).toBe(1)
    expect(await world.context.read.idempotent(world.phone.id, 'the same key, twice')).not.toBeNull()
    await expectRefused(request(), 'state-conflict')
    expect(await transfers()).toBe(1)
  })

  it('begin one new attempt', async () => {
    const delivery = await aDeliveryIn(world, 'admitted')
    const caller = await asDevice(world, world.phone)
    await cancel(world.context, caller, delivery.dl, {})
    const deadline = world.clock.now() + DAY_SECONDS
    const again = () => retry(world.context, caller, delivery.dl, { deadline })
    const [one, two] = await Promise.allSettled([again(), again()])
    expect([one.status, two.status].sort()).toEqual(['fulfilled', 'rejected'])
    expect(await rowOf(world, delivery)).toMatchObject({ attempt: 2 })
  })
})

describe('two events at once', () => {
  const settle = async (...tasks: readonly Promise<unknown>[]) => {
    const done = await Promise.allSettled(tasks)
    const refused = done.filter((one) => one.status === 'rejected').map((one) => one.reason)
    expect(refused).toHaveLength(tasks.length - 1)
    return refused
  }

  it.each([
    ['a deposit and a cancellation', 'admitted', bySource, cancellation],
    ['a refusal and a cancellation', 'released', refusal, cancellation],
    ['a cancellation and a deposit', 'admitted', cancellation, bySource],
  ] as const)('%s: one wins, the other sees 409', async (_, from, a, b) => {
    const delivery = await aDeliveryIn(world, from)
    const [one, two] = [await a(delivery), await b(delivery)]
    const [loser] = await settle(one(), two())
    const { state, attempt } = await rowOf(world, delivery)
    expect(loser).toMatchObject({ code: 'state-conflict', details: { state } })
    const isHeld = (await world.context.read.sealedEnvelope(delivery.dl, attempt)) !== null
    expect(isHeld).toBe(holdsWrappedKey(state))
  })

  it('two envelopes: one is kept', async () => {
    const delivery = await aDeliveryIn(world, 'admitted')
    const [one, two] = [await bySource(delivery), await bySource(delivery)]
    const [loser] = await settle(one(), two())
    expect(loser).toMatchObject({ code: 'envelope-exists' })
  })

  it('two receipts: one ends it, both are evidence', async () => {
    const delivery = await aDeliveryIn(world, 'collected')
    const caller = await visit(world, world.martas)
    const installed = await receiptFor(world, delivery)
    const rejected = await receiptFor(world, delivery, { outcome: 'rejected', reason: 'unwrap-failed' })
    const put = (text: string) => acknowledge(world.context, caller, delivery.dl, 1, text)
    const [loser] = await settle(put(installed.text), put(rejected.text))
    expect(loser).toMatchObject({ code: 'state-conflict' })
    for (const { ref } of [installed, rejected]) expect(await world.context.read.leafIndex(ref)).not.toBeNull()
  })

  it('two approvals: both count', async () => {
    const who = '@approvals("2")\n@approvers("owner target-user")\n@requester_may_approve("yes")'
    world.engine.replacePolicy(
      `${DEFAULT_POLICY}\n@id("test/two")\n${who}\npermit (principal, action == Action::"receive", resource);`,
    )
    const { dl } = await ask(world)
    await visit(world, world.phone)
    const yes = { stage: 'ac1', decision: 'permit' } as const
    const views = await Promise.all([
      approve(world.context, await asDevice(world, world.tablet), dl, yes),
      approve(world.context, await asDevice(world, world.martas), dl, yes),
    ])
    expect(views.map(({ state }) => state).sort()).toEqual(['admitted', 'requested'])
    expect(await rowOf(world, { dl: dl as DeliveryId })).toMatchObject({ state: 'admitted' })
  })
})
