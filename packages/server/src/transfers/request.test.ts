import { aDeviceStatement, aUserStatement, DAY_SECONDS, exampleSigner, NOW } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { ask, aTransferWorld, expectRefused, putKey, type TransferWorld, visit } from '../../test/transfer-world.ts'
import { asDevice, OPERATOR } from '../../test/world.ts'
import { DEFAULT_POLICY } from '../access/cedar/default-policy.ts'
import { suspendDevice } from '../registry/devices.ts'
import { putStatement } from '../registry/put-statement.ts'
import { evidence } from './evidence.ts'
import { getTransfer } from './read.ts'
import { requestTransfer } from './request.ts'

let world: TransferWorld
beforeEach(async () => {
  world = await aTransferWorld()
})
const nothingWasWritten = async () => {
  expect(await world.context.read.transfersOf(world.luis.id, 10)).toEqual([])
}

describe('E1', () => {
  it('needs a deadline within 90 days, and a beginning before it', async () => {
    for (const deadline of [NOW - 1, NOW, NOW + 90 * DAY_SECONDS + 1]) {
      await expectRefused(ask(world, { deadline }), 'malformed')
    }
    await expectRefused(ask(world, { notBefore: NOW + DAY_SECONDS }), 'malformed')
    expect(await ask(world, { deadline: NOW + 90 * DAY_SECONDS })).toMatchObject({ state: 'requested' })
  })

  it('hides a key that does not exist, is withdrawn, or may not be asked for by this one', async () => {
    const unknown = `${world.luis.id}/0tpbn4f2neatkmt5s8z6wygmzj` as TransferWorld['key']
    await expectRefused(ask(world, { key: unknown }), 'not-found')
    await expectRefused(ask(world, { targets: [{ device: world.tablet.id }] }, world.martas), 'not-found')
    const no = '@id("test/no")\nforbid (principal, action == Action::"request", resource);'
    world.engine.replacePolicy(`${DEFAULT_POLICY}\n${no}`)
    await expectRefused(ask(world), 'access-denied', { stage: 'ac1', reason: 'test/no' })
    await expectRefused(ask(world, {}, world.martas), 'not-found')
    world.engine.replacePolicy(DEFAULT_POLICY)
    await putKey(world, { withdrawn: true })
    await expectRefused(ask(world), 'not-found')
    await nothingWasWritten()
  })

  it('hides a key of class `user` from who is not that user, whatever he says of it', async () => {
    await putKey(world, { class: 'user', container: null, username: 'luis' })
    await expectRefused(ask(world, {}, world.martas), 'not-found')
    await expectRefused(ask(world, { generation: 2 }, world.martas), 'not-found')
    await expectRefused(ask(world), 'no-usable-target')
    await nothingWasWritten()
  })

  it('says neither source nor statements to who has asked, before AC1 permits', async () => {
    const { tr, dl } = await ask(world, {}, world.martas)
    const asMarta = await asDevice(world, world.martas)
    const seen = async () => (await getTransfer(world.context, asMarta, tr)).view.deliveries[0]
    const statements = async () => Object.keys((await evidence(world.context, asMarta, dl)).statements)
    expect([await seen(), await statements()]).toEqual([expect.not.objectContaining({ source: world.phone.id }), []])
    await visit(world, world.phone)
    expect(await seen()).toMatchObject({ source: world.phone.id })
    expect(await statements()).not.toEqual([])
  })

  it('says that the generation is another one, to who may ask', async () => {
    await putKey(world, { generation: 2 })
    await expectRefused(ask(world), 'state-conflict', { state: 'generation 2' })
    await nothingWasWritten()
  })

  it('is 503 without a decision', async () => {
    world.engineFails = true
    await expectRefused(ask(world), 'unavailable')
    await nothingWasWritten()
  })

  it('is not for host agents, nor for operators', async () => {
    const body = { key: world.key, generation: 1, targets: [{ device: world.martas.id }], deadline: NOW + 100 }
    const agent = await asDevice(world, world.phone, 'access-signature')
    await expectRefused(requestTransfer(world.context, agent, body), 'access-denied', { reason: 'access-key' })
    await expectRefused(requestTransfer(world.context, OPERATOR, body), 'access-denied', { reason: 'requester' })
  })

  it('takes a nonce from a target for its own delivery only', async () => {
    const nonce = 'AAAAAAAAAAAAAAAAAAAAAA'
    expect(await ask(world, { nonce }, world.martas)).toMatchObject({ nonce })
    await expectRefused(ask(world, { nonce }), 'malformed')
    const both = [{ device: world.martas.id }, { device: world.tablet.id }]
    await expectRefused(ask(world, { nonce, targets: both }, world.tablet), 'malformed')
  })
})

describe('the targets', () => {
  it('are the active devices of a user, but the source; unnamed ones are not shown before AC1 permits', async () => {
    const first = await ask(world, { targets: [{ user: world.luis.id }] })
    expect(first).toMatchObject({ source: world.phone.id, target: world.tablet.id, named: false })
    const asMarta = await asDevice(world, world.martas)
    const { tr } = await requestTransfer(world.context, asMarta, {
      key: world.key,
      generation: 1,
      targets: [{ user: world.marta.id }],
      deadline: NOW + 100,
    })
    expect((await getTransfer(world.context, asMarta, tr as never)).view.deliveries).toEqual([])
    await visit(world, world.phone)
    expect((await getTransfer(world.context, asMarta, tr as never)).view.deliveries).toHaveLength(1)
  })

  it('are usable, or there is no transfer', async () => {
    await expectRefused(ask(world, { targets: [{ device: world.phone.id }] }), 'no-usable-target')
    await expectRefused(ask(world, { targets: [{ device: 'A'.repeat(43) as never }] }), 'no-usable-target')
    await expectRefused(ask(world, { targets: [{ group: 'gr_2ck0frzqa7em6qn7679ps32h78' }] }), 'not-found')
    await suspendDevice(world.context, OPERATOR, world.martas.id, { suspended: true, reason: 'lost' })
    await expectRefused(ask(world), 'no-usable-target')
  })

  it('are not more than the limit', async () => {
    world = await aTransferWorld({ context: { limits: { ...world.context.limits, targets: 1 } } })
    const both = [{ device: world.martas.id }, { device: world.tablet.id }]
    await expectRefused(ask(world, { targets: both }), 'too-large', { max: 1 })
    await putKey(world, { sources: [world.martas.id] })
  })

  it('of a key of class `user` are devices of whom it belongs to, so called here or by a CA', async () => {
    await putKey(world, { class: 'user', container: null, username: 'marta' })
    await expectRefused(ask(world, { targets: [{ device: world.tablet.id }] }), 'no-usable-target')
    expect(await ask(world)).toMatchObject({ username: 'marta', target: world.martas.id })
    await putKey(world, { username: 'marta@office' })
    await expectRefused(ask(world), 'no-usable-target')
    const certificate = await aUserStatement(world.marta, exampleSigner('a ca'), { username: 'marta@office' })
    const caller = await asDevice(world, world.martas)
    await putStatement(world.context, caller, certificate.ref, certificate.text)
    expect(await ask(world)).toMatchObject({ target: world.martas.id })
  })

  it('have a suite in common with the source', async () => {
    const poor = await aDeviceStatement(world.phone, { seq: 2, wrap: [] })
    await putStatement(world.context, await asDevice(world, world.phone), poor.ref, poor.text)
    await expectRefused(ask(world), 'no-common-suite')
    await expectRefused(ask(world, { mechanism: 'shared-secret' }), 'no-common-suite')
  })
})

describe('the source', () => {
  it('is the one named, or one that holds the key and has a fitting suite', async () => {
    await putKey(world, { sources: [world.phone.id, world.tablet.id] })
    expect(await ask(world, { source: world.tablet.id })).toMatchObject({ source: world.tablet.id })
    expect(await ask(world)).toMatchObject({ source: world.phone.id })
    expect(await ask(world, { targets: [{ device: world.phone.id }] })).toMatchObject({ source: world.tablet.id })
    const poor = await aDeviceStatement(world.phone, { seq: 2, wrap: [] })
    await putStatement(world.context, await asDevice(world, world.phone), poor.ref, poor.text)
    expect(await ask(world)).toMatchObject({ source: world.tablet.id })
  })

  it('is a device of the owner that is in use', async () => {
    await expectRefused(ask(world, { source: world.martas.id }), 'no-common-suite')
    await suspendDevice(world.context, OPERATOR, world.phone.id, { suspended: true, reason: 'lost' })
    await expectRefused(ask(world, {}, world.tablet), 'no-common-suite')
  })
})
