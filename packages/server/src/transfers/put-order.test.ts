import {
  type GrantPayload,
  type OrderPayload,
  type Statement,
  type TransportKeyInfo,
  thumbprint,
} from '@keyferry/protocol'
import {
  aDeviceSet,
  aGrant,
  aHandoverSet,
  anOrder,
  aUserStatement,
  DAY_SECONDS,
  exampleSigner,
} from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aDeliveryIn,
  anEnvelope,
  ask,
  aTransferWorld,
  expectRefused,
  orderFor,
  rowOf,
  type TransferWorld,
  toldTo,
  visit,
} from '../../test/transfer-world.ts'
import { asDevice, OPERATOR } from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { putApplication } from '../registry/applications.ts'
import { putStatement } from '../registry/put-statement.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { deposit } from './deposit.ts'
import { evidence } from './evidence.ts'
import { liveGrantOf } from './grants.ts'
import { keyTransferInfo } from './key-transfer-info.ts'
import { putOrder } from './put-order.ts'
import { refuse } from './refuse.ts'
import { requestTransfer } from './request.ts'
import { transportKeyInfo } from './transport-key-info.ts'

const BACKUP = exampleSigner('backup server')
const CA = exampleSigner('a ca')

let world: TransferWorld
let application: Caller
beforeEach(async () => {
  world = await aTransferWorld()
  const { jwk, id } = BACKUP
  await putApplication(world.context, OPERATOR, id, { jwk, name: 'backup' }, { expectVersion: 'absent' })
  const row = await world.context.read.application(id)
  if (row === null) throw new Error('not registered')
  application = { type: 'application', application: row }
})

async function put(text: string, ref: string): Promise<void> {
  await putStatement(world.context, await asDevice(world, world.phone), ref as never, text)
}

async function grant(members: Partial<GrantPayload> = {}): Promise<Statement<GrantPayload>> {
  const made = await aGrant(world.luis, BACKUP, { to: { own: true, users: [], cas: [CA.id] }, ...members })
  await put(made.text, made.ref)
  return made
}

async function certified(): Promise<void> {
  const statement = await aUserStatement(world.marta, CA)
  await putStatement(world.context, application, statement.ref, statement.text)
}

/** Hands luis' root over to another one. */
async function rotated(): Promise<typeof BACKUP> {
  const first = await world.context.statements.deviceSet(
    (await world.context.read.user(world.luis.id))?.setRef as never,
  )
  const root = exampleSigner('luis root 2')
  const handover = await aHandoverSet(world.luis, { after: first, to: root })
  await put(handover.text, handover.ref)
  const next = await aDeviceSet(world.luis, [world.phone, world.tablet], {
    after: handover,
    root,
    handovers: [handover],
  })
  await put(next.text, next.ref)
  expect(thumbprint(next.payload.root)).toBe(root.id)
  return root
}

const grantedKey = () => ({ id: world.key, owner: world.luis.id, class: 'container' as const })

describe('a grantee', () => {
  let delivery: DeliveryRow
  let info: TransportKeyInfo
  let live: Statement<GrantPayload>

  async function begin(members: Partial<GrantPayload> = {}): Promise<void> {
    live = await grant(members)
    const view = await requestTransfer(world.context, application, {
      key: world.key,
      generation: 1,
      targets: [{ device: world.martas.id }],
      orderBy: BACKUP.id,
      deadline: world.clock.now() + DAY_SECONDS,
    })
    await visit(world, world.phone)
    delivery = await rowOf(world, view.deliveries[0] as unknown as DeliveryRow)
    info = await transportKeyInfo(world.context, application, delivery.dl, 0)
  }
  const order = (members: Partial<OrderPayload> = {}) => orderFor(world, info, { grant: live.ref, ...members }, BACKUP)
  const send = async (members: Partial<OrderPayload> = {}) =>
    putOrder(world.context, application, delivery.dl, 1, (await order(members)).text)
  const refused = async (check: string, task: Promise<unknown>) => {
    await expectRefused(task, 'order-invalid', { check })
    expect((await rowOf(world, delivery)).orderRef).toBeNull()
  }

  it('asks, is told, gets the KtI with his grant, and orders', async () => {
    await certified()
    await begin()
    expect(await toldTo(world, BACKUP.id)).toEqual(['order-requested'])
    expect(info.statements).toHaveProperty(live.ref)
    expect(info.proofs).toHaveProperty(live.ref)
    expect(info.target.username).toBe('marta')
    const made = await order()
    expect(await putOrder(world.context, application, delivery.dl, 1, made.text)).toMatchObject({ created: true })
    expect(await toldTo(world, world.phone.id)).toContain('source-requested')

    const source = await visit(world, world.phone)
    const withOrder = await transportKeyInfo(world.context, source, delivery.dl, 0)
    expect(withOrder.statements).toHaveProperty(live.ref)
    const { octets } = await anEnvelope(world, withOrder, { orderText: made })
    await deposit(world.context, source, delivery.dl, 1, octets)
    const answer = await keyTransferInfo(world.context, await visit(world, world.martas), delivery.dl, 0)
    expect(answer.statements).toHaveProperty(live.ref)
  })

  it('is refused for a user whom no CA of the grant certifies', async () => {
    await begin()
    await refused('grant-exceeded', send())
    await certified()
    expect(await send()).toMatchObject({ created: true })
  })

  it.each([
    ['another source', { sources: [CA.id as never] }],
    ['a suite', { algs: ['HPKE-9'] }],
    ['more exposure', { minExposure: { source: 'in-device', target: 'software' } as const }],
  ])('is refused beyond his grant: %s', async (_, members) => {
    await certified()
    await begin(members)
    await refused('grant-exceeded', send())
  })

  it('is refused without a grant, with somebody else’s, and with an expired one', async () => {
    await certified()
    await begin({ exp: world.clock.now() + 3600 })
    const { grant: _, ...without } = (await order()).payload
    const bare = await anOrder(BACKUP, without, without, world.clock.now())
    await refused('order-invalid', putOrder(world.context, application, delivery.dl, 1, bare.text))
    await refused('order-invalid', send({ grant: 'A'.repeat(43) as never }))
    await refused('order-invalid', send({ grant: info.source.set }))
    world.clock.advance(3600)
    await refused('order-invalid', send())
  })

  it('orders under no grant of an earlier root, though he has one of the current root', async () => {
    await certified()
    await begin()
    const root = await rotated()
    const to = { own: true, users: [], cas: [CA.id] }
    const anew = await aGrant(world.luis, BACKUP, { to }, world.clock.now(), root)
    await put(anew.text, anew.ref)
    await refused('order-invalid', send())
    expect(await send({ grant: anew.ref })).toMatchObject({ created: true })
  })

  it('loses what he was asked to order when his grant is revoked, also where nobody found it', async () => {
    await certified()
    await begin()
    const before = await world.context.statements.deviceSet(
      (await world.context.read.user(world.luis.id))?.setRef as never,
    )
    const set = await aDeviceSet(world.luis, [world.phone, world.tablet], { after: before, revoked: [live.ref] })
    await put(set.text, set.ref)
    const withdrawn = await rowOf(world, delivery)
    expect(withdrawn).toMatchObject({ state: 'withdrawn', reason: 'grant-revoked' })
    await world.context.commit([{ kind: 'replace-delivery', row: { ...delivery, version: withdrawn.version + 1 } }])
    await expectRefused(send(), 'delivery-closed', { state: 'withdrawn', reason: 'grant-revoked' })
  })

  it('may refuse, as the source may', async () => {
    await certified()
    await begin()
    expect(await refuse(world.context, application, delivery.dl, { reason: 'declined' })).toMatchObject({
      state: 'refused',
      stage: 'source',
    })
  })

  it('is not shown what other grants the owner gave', async () => {
    await certified()
    await begin()
    const other = await aGrant(world.luis, exampleSigner('another server'))
    await put(other.text, other.ref)
    const made = await order()
    await putOrder(world.context, application, delivery.dl, 1, made.text)
    const source = await visit(world, world.phone)
    const { octets } = await anEnvelope(world, await transportKeyInfo(world.context, source, delivery.dl, 0), {
      orderText: made,
    })
    await deposit(world.context, source, delivery.dl, 1, octets)
    const { statements } = await evidence(world.context, await visit(world, world.martas), delivery.dl)
    expect(statements).toHaveProperty(live.ref)
    expect(statements).toHaveProperty(made.ref)
    expect(statements).not.toHaveProperty(other.ref)
  })
})

describe('a live grant', () => {
  it('is in time, names the key or its class, and is not revoked', async () => {
    expect(await liveGrantOf(world.context, grantedKey(), BACKUP.id)).toBeNull()
    await grant({ classes: ['shared'] })
    expect(await liveGrantOf(world.context, grantedKey(), BACKUP.id)).toBeNull()
    const first = await grant({ classes: [], keys: [world.key], exp: world.clock.now() + 60 })
    expect((await liveGrantOf(world.context, grantedKey(), BACKUP.id))?.ref).toBe(first.ref)
    world.clock.advance(60)
    expect(await liveGrantOf(world.context, grantedKey(), BACKUP.id)).toBeNull()
  })

  it('is by the root of the owner’s newest set: a rotation ends those of the old root', async () => {
    await grant()
    expect(await liveGrantOf(world.context, grantedKey(), BACKUP.id)).not.toBeNull()
    const root = await rotated()
    expect(await liveGrantOf(world.context, grantedKey(), BACKUP.id)).toBeNull()
    const anew = await aGrant(world.luis, BACKUP, {}, world.clock.now(), root)
    await put(anew.text, anew.ref)
    expect((await liveGrantOf(world.context, grantedKey(), BACKUP.id))?.ref).toBe(anew.ref)
  })

  it('is what lets an application ask at all', async () => {
    const asks = () =>
      requestTransfer(world.context, application, {
        key: world.key,
        generation: 1,
        targets: [{ device: world.tablet.id }],
        deadline: world.clock.now() + DAY_SECONDS,
      })
    await expectRefused(asks(), 'not-found')
    await grant()
    expect((await asks()).requester).toBe(BACKUP.id)
  })
})

it('takes the order of a device that may order, and no other device’s', async () => {
  const { phone, tablet, martas, context } = world
  const { dl } = await aDeliveryIn(world, 'admitted', { orderBy: tablet.id })
  const info = await transportKeyInfo(context, await asDevice(world, tablet), dl, 0)
  const orderer = await asDevice(world, tablet)
  const check = { check: 'order-invalid' }
  const bySource = await orderFor(world, info)
  await expectRefused(putOrder(context, orderer, dl, 1, bySource.text), 'order-invalid', check)
  await expectRefused(putOrder(context, await asDevice(world, phone), dl, 1, bySource.text), 'not-found')
  const forged = await orderFor(world, info, {}, { ...martas.signer, id: tablet.id })
  await expectRefused(putOrder(context, orderer, dl, 1, forged.text), 'order-invalid', check)
  await expectRefused(putOrder(context, orderer, dl, 1, 'x.y.z'), 'order-invalid', check)
  const unknown = await orderFor(world, info, { kid: CA.id }, tablet.signer)
  const unknownKey = { check: 'transport-key-unknown' }
  await expectRefused(putOrder(context, orderer, dl, 1, unknown.text), 'order-invalid', unknownKey)
  const good = await orderFor(world, info, {}, tablet.signer)
  await expectRefused(putOrder(context, orderer, dl, 2, good.text), 'state-conflict', { state: 'admitted' })
  const early = await anEnvelope(world, info)
  await expectRefused(deposit(context, await asDevice(world, phone), dl, 1, early.octets), 'envelope-invalid', check)
  expect(await putOrder(context, orderer, dl, 1, good.text)).toMatchObject({ created: true })
})

it('names the source itself as source where a request names its id', async () => {
  expect(await ask(world, { orderBy: world.phone.id })).toMatchObject({ orderBy: 'source' })
  await expectRefused(ask(world, { orderBy: CA.id }), 'malformed')
  await expectRefused(ask(world, { orderBy: world.martas.id }), 'malformed')
})
