import { DAY_SECONDS } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aDeliveryIn,
  ask,
  aTransferWorld,
  collectBy,
  depositBy,
  expectRefused,
  PROOF_WINDOW,
  rowOf,
  type TransferWorld,
  toldTo,
  visit,
} from '../../test/transfer-world.ts'
import { asDevice, OPERATOR } from '../../test/world.ts'
import { DEFAULT_POLICY } from '../access/cedar/default-policy.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { approve } from './approve.ts'
import { cancel } from './cancel.ts'
import { getDelivery, listDecisions } from './read.ts'
import { retry } from './retry.ts'
import { sweep } from './sweep.ts'

/** Marta's own yes, and luis's, before her device gets a key of luis; asked by luis, he counts too. */
function asking(when: string, annotations: string): string {
  return `${DEFAULT_POLICY}
@id("test/asking")
${annotations}
permit (principal, action == Action::"receive", resource) when { context.action == "keyferry.${when}" };`
}
const BOTH = '@approvals("2")\n@approvers("owner target-user")\n@requester_may_approve("yes")'
const MARTA = '@approvals("1")\n@approvers("target-user")'

let world: TransferWorld
let delivery: DeliveryRow
const now = () => rowOf(world, delivery)
const say = async (
  by: 'phone' | 'tablet' | 'martas',
  decision: 'permit' | 'deny',
  stage: 'ac1' | 'ac2' = 'ac1',
  reason?: string,
) =>
  approve(world.context, await asDevice(world, world[by]), delivery.dl, {
    stage,
    decision,
    ...(reason === undefined ? {} : { reason }),
  })

describe('two approvals at AC1 (row 3)', () => {
  beforeEach(async () => {
    world = await aTransferWorld({ policy: asking('admit', BOTH) })
    delivery = await ask(world)
    await visit(world, world.phone)
  })

  it('are asked for from people, by all their devices, once', async () => {
    expect(await now()).toMatchObject({ state: 'requested', waitingFor: ['approval'] })
    expect(await toldTo(world, world.martas.id)).toEqual(['approval-requested'])
    expect(await toldTo(world, world.tablet.id)).toEqual(['approval-requested'])
    expect(await toldTo(world, world.phone.id)).toEqual(['wake', 'approval-requested'])
    const { version } = await now()
    await visit(world, world.phone)
    await sweep(world.context)
    expect((await now()).version).toBe(version)
    const { items } = await listDecisions(world.context, await asDevice(world, world.phone), delivery.dl)
    expect(items).toMatchObject([{ stage: 'ac1', decision: 'wait' }])
  })

  it('admit together, each counted once per user', async () => {
    const view = (await getDelivery(world.context, await asDevice(world, world.martas), delivery.dl)).view
    expect(view.links).toMatchObject({ approvals: expect.stringMatching(/\/approvals$/) })
    expect(await say('martas', 'permit')).toMatchObject({ state: 'requested', waitingFor: ['approval'] })
    const { version } = await now()
    expect(await say('martas', 'permit')).toMatchObject({ state: 'requested' })
    expect((await now()).version).toBe(version)
    await expectRefused(say('martas', 'deny'), 'state-conflict', { state: 'requested' })
    expect(await say('tablet', 'permit')).toMatchObject({ state: 'admitted' })
    expect(await say('phone', 'permit')).toMatchObject({ state: 'admitted' })
    expect((await now()).approvals).toHaveLength(2)
    expect(await toldTo(world, world.phone.id)).toContain('source-requested')
  })

  it('wait for the source’s proof again if it is no longer fresh, and wake it', async () => {
    world.clock.advance(PROOF_WINDOW)
    await say('martas', 'permit')
    expect(await say('tablet', 'permit')).toMatchObject({ state: 'requested', waitingFor: ['source-proof'] })
    const wakes = (await toldTo(world, world.phone.id)).filter((type) => type === 'wake')
    expect(wakes).toHaveLength(2)
    await visit(world, world.phone)
    expect((await now()).state).toBe('admitted')
  })

  it('refuse with one no (row 4), and tell the requester', async () => {
    await say('tablet', 'permit')
    const refused = { state: 'refused', stage: 'ac1', reason: 'not-this-one' }
    expect(await say('martas', 'deny', 'ac1', 'not-this-one')).toMatchObject(refused)
    expect(await say('martas', 'deny', 'ac1', 'not-this-one')).toMatchObject(refused)
    expect(await toldTo(world, world.phone.id)).toContain('outcome')
    expect(await toldTo(world, world.martas.id)).toEqual([])
    const { items } = await listDecisions(world.context, await asDevice(world, world.phone), delivery.dl)
    expect(items).toMatchObject([{ decision: 'wait' }, { decision: 'deny', reason: 'default/other-users' }])
  })

  it('tell approvers when it ends without them', async () => {
    await cancel(world.context, await asDevice(world, world.phone), delivery.dl, {})
    expect(await toldTo(world, world.martas.id)).toEqual(['outcome'])
    await expectRefused(say('martas', 'permit'), 'delivery-closed', { state: 'cancelled' })
  })

  it('are for one attempt and stage', async () => {
    await expectRefused(say('martas', 'permit', 'ac2'), 'state-conflict')
    await say('martas', 'permit')
    await cancel(world.context, await asDevice(world, world.phone), delivery.dl, {})
    const deadline = world.clock.now() + DAY_SECONDS
    await retry(world.context, await asDevice(world, world.phone), delivery.dl, { deadline })
    expect(await now()).toMatchObject({ attempt: 2, approvals: [], waitingFor: ['approval'] })
    expect((await now()).approvers).toHaveLength(2)
  })

  it('are nobody else’s, nor the host agent’s', async () => {
    const input = { stage: 'ac1', decision: 'permit' } as const
    await expectRefused(approve(world.context, OPERATOR, delivery.dl, input), 'not-found')
    const agent = await asDevice(world, world.martas, 'access-signature')
    await expectRefused(approve(world.context, agent, delivery.dl, input), 'access-denied', { reason: 'access-key' })
    world.engine.replacePolicy(asking('admit', MARTA))
    await expectRefused(say('tablet', 'permit'), 'state-conflict')
    expect(await say('martas', 'permit')).toMatchObject({ state: 'admitted' })
  })

  it('need a decision to be weighed by', async () => {
    world.engineFails = true
    await expectRefused(say('martas', 'permit'), 'unavailable')
    expect((await now()).approvals).toEqual([])
  })
})

it('asks for approvals at AC2, and the collection still has them', async () => {
  world = await aTransferWorld({ policy: asking('release', MARTA) })
  delivery = await aDeliveryIn(world, 'admitted')
  await visit(world, world.martas)
  expect((await depositBy(world, delivery)).state).toBe('deposited')
  expect(await now()).toMatchObject({ waitingFor: ['approval'] })
  expect(await say('martas', 'permit', 'ac2')).toMatchObject({ state: 'released' })
  world.engine.replacePolicy(asking('collect', MARTA))
  await collectBy(world, delivery)
  expect((await now()).state).toBe('collected')
})

it('lets a no at AC2 erase the wrapped key, and tells the source', async () => {
  world = await aTransferWorld({ policy: asking('release', MARTA) })
  delivery = await aDeliveryIn(world, 'deposited')
  await visit(world, world.martas)
  expect(await say('martas', 'deny', 'ac2')).toMatchObject({
    state: 'refused',
    stage: 'ac2',
    reason: 'approval-denied',
  })
  expect(await world.context.read.sealedEnvelope(delivery.dl, 1)).toBeNull()
  expect(await toldTo(world, world.phone.id)).toContain('outcome')
})

it('counts no approval without the code that policy asks for', async () => {
  world = await aTransferWorld({ policy: asking('admit', `${MARTA}\n@approval_code("required")`) })
  delivery = await ask(world)
  await visit(world, world.phone)
  await expectRefused(say('martas', 'permit'), 'code-required', { kind: 'totp' })
})

it('wakes a party whose proof is too old for a policy', async () => {
  world = await aTransferWorld({ policy: asking('release', '@proof_max_age("60")') })
  await visit(world, world.martas)
  world.clock.advance(100)
  delivery = await aDeliveryIn(world, 'admitted')
  expect((await depositBy(world, delivery)).state).toBe('deposited')
  expect(await now()).toMatchObject({ waitingFor: ['target-proof'] })
  expect(await toldTo(world, world.martas.id)).toEqual(['wake'])
  await visit(world, world.martas)
  expect((await now()).state).toBe('released')
})
