import type { Ref, Statement } from '@keyferry/protocol'
import {
  aDevice,
  aDeviceSet,
  aGrant,
  aHandoverSet,
  aKeyId,
  anOrder,
  aReceipt,
  aUser,
  aUserStatement,
  exampleSigner,
  NOW,
  type TestDevice,
} from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import {
  aDeliveryRow,
  asDevice,
  asNewcomer,
  aWorld,
  enrolAll,
  inboxOf,
  OPERATOR,
  putDeliveries,
  type World,
} from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { getDevice, suspendDevice } from './devices.ts'
import { getStatement } from './get-statement.ts'
import { listUsers } from './list-users.ts'
import { putStatement } from './put-statement.ts'
import { findUserByName, getUser } from './users.ts'

const luis = aUser('luis')
const marta = aUser('marta')
const app = exampleSigner('app')
const APPLICATION: Caller = { type: 'application', application: { id: app.id, jwk: '{}', name: 'app', version: 1 } }
const NOT_FOUND = { code: 'not-found' }

interface Town {
  readonly world: World
  readonly phone: TestDevice
  readonly tablet: TestDevice
  readonly martas: TestDevice
  readonly set: Awaited<ReturnType<typeof enrolAll>>
}

async function aTown(): Promise<Town> {
  const world = aWorld()
  const phone = await aDevice(luis, { withAccess: true })
  const tablet = await aDevice(luis, { name: 'tablet' })
  const martas = await aDevice(marta)
  const set = await enrolAll(world, [phone, tablet])
  await enrolAll(world, [martas])
  return { world, phone, tablet, martas, set }
}

describe('a user', () => {
  it('is looked up by exact name or root id, with the refs of what counts now', async () => {
    const { world, phone, tablet, martas, set } = await aTown()
    const caller = await asDevice(world, martas)
    const view = {
      user: luis.id,
      username: 'luis',
      set: set.ref,
      devices: [
        { id: phone.id, statement: phone.statement.ref },
        { id: tablet.id, statement: tablet.statement.ref },
      ],
    }
    expect(await findUserByName(world.context, caller, 'luis')).toEqual(view)
    expect(await getUser(world.context, caller, luis.id)).toEqual(view)
    const certificate = await aUserStatement(luis, exampleSigner('ca'))
    await putStatement(world.context, OPERATOR, certificate.ref, certificate.text)
    expect(await getUser(world.context, caller, luis.id)).toEqual({ ...view, userStatement: certificate.ref })
  })

  it('is not found by another spelling, by its id if it is nobody’s, or by a newcomer', async () => {
    const { world, martas } = await aTown()
    const caller = await asDevice(world, martas)
    for (const name of ['Luis', 'lui', 'luis ']) {
      await expect(findUserByName(world.context, caller, name)).rejects.toMatchObject(NOT_FOUND)
    }
    await expect(getUser(world.context, caller, aUser('nobody').id)).rejects.toMatchObject(NOT_FOUND)
    const newcomer = asNewcomer(await aDevice(luis, { name: 'new' }))
    await expect(findUserByName(world.context, newcomer, 'luis')).rejects.toMatchObject(NOT_FOUND)
    await expect(getUser(world.context, newcomer, luis.id)).rejects.toMatchObject(NOT_FOUND)
  })

  it('no longer lists a device that is revoked, and a revoked device looks nobody up', async () => {
    const { world, phone, tablet, set } = await aTown()
    const next = await aDeviceSet(luis, [phone], { after: set })
    await putStatement(world.context, OPERATOR, next.ref, next.text)
    const { devices } = await getUser(world.context, await asDevice(world, phone), luis.id)
    expect(devices.map((device) => device.id)).toEqual([phone.id])
    await expect(getUser(world.context, await asDevice(world, tablet), luis.id)).rejects.toMatchObject(NOT_FOUND)
  })

  it('is listed for administrators only, page by page', async () => {
    const { world, phone } = await aTown()
    await expect(listUsers(world.context, await asDevice(world, phone), { limit: 10 })).rejects.toMatchObject(NOT_FOUND)
    const first = await listUsers(world.context, OPERATOR, { limit: 1 })
    expect(first.items).toHaveLength(1)
    const { next } = first
    if (next === undefined) throw new Error('there is a second page')
    const second = await listUsers(world.context, OPERATOR, { limit: 1, after: next })
    expect(second.next).toBeUndefined()
    expect([...first.items, ...second.items].map((item) => item.username).sort()).toEqual(['luis', 'marta'])
  })
})

describe('a device', () => {
  it('is shown to whoever may look people up, when it last proved itself to its own user', async () => {
    const { world, phone, tablet, martas } = await aTown()
    const view = { id: phone.id, user: luis.id, statement: phone.statement.ref, state: 'active' }
    const row = await world.context.read.device(phone.id)
    if (row === null) throw new Error('enrolled above')
    await world.context.commit([
      { kind: 'replace-device', row: { ...row, lastProofAt: NOW, version: row.version + 1 } },
    ])
    expect(await getDevice(world.context, await asDevice(world, martas), phone.id)).toEqual(view)
    expect(await getDevice(world.context, await asDevice(world, tablet), phone.id)).toEqual({
      ...view,
      lastProofAt: NOW,
    })
    expect(await getDevice(world.context, OPERATOR, phone.id)).toEqual(view)
    const newcomer = asNewcomer(await aDevice(luis, { name: 'new' }))
    await expect(getDevice(world.context, newcomer, phone.id)).rejects.toMatchObject(NOT_FOUND)
    await expect(getDevice(world.context, OPERATOR, exampleSigner('x').id)).rejects.toMatchObject(NOT_FOUND)
  })

  it('is suspended by its user or an administrator, which withdraws what is open and tells its user’s devices', async () => {
    const { world, phone, tablet, martas } = await aTown()
    const open = aDeliveryRow(phone, martas)
    await putDeliveries(world, open)
    const caller = await asDevice(world, tablet)
    const suspended = await suspendDevice(world.context, caller, phone.id, { suspended: true, reason: 'lost' })
    expect(suspended.state).toBe('suspended')
    expect(await world.context.read.device(phone.id)).toMatchObject({ suspended: { reason: 'lost', at: NOW } })
    expect(await world.context.read.delivery(open.dl)).toMatchObject({ state: 'withdrawn', reason: 'device-suspended' })
    expect((await inboxOf(world, tablet.id)).at(-1)).toBe('device-changed')
    const lifted = await suspendDevice(world.context, OPERATOR, phone.id, { suspended: false, reason: 'found' })
    expect(lifted.state).toBe('active')
  })

  it('is told of once when it is suspended twice', async () => {
    const { world, phone, tablet } = await aTown()
    const caller = await asDevice(world, tablet)
    const body = { suspended: true, reason: 'lost' }
    await suspendDevice(world.context, caller, phone.id, body)
    const told = await inboxOf(world, tablet.id)
    expect((await suspendDevice(world.context, caller, phone.id, body)).state).toBe('suspended')
    expect(await inboxOf(world, tablet.id)).toEqual(told)
  })

  it('is not suspended by others, by an agent, or once it is revoked, and does not lift its own suspension', async () => {
    const { world, phone, tablet, martas, set } = await aTown()
    const suspend = async (caller: Caller, device: TestDevice, suspended = true) =>
      suspendDevice(world.context, caller, device.id, { suspended, reason: 'x' })
    await expect(suspend(await asDevice(world, martas), phone)).rejects.toMatchObject(NOT_FOUND)
    const agent = await asDevice(world, phone, 'access-signature')
    await expect(suspend(agent, tablet)).rejects.toMatchObject({ code: 'access-denied' })
    await suspend(OPERATOR, phone)
    const lift = suspend(await asDevice(world, phone), phone, false)
    await expect(lift).rejects.toMatchObject({ code: 'device-suspended' })
    const next = await aDeviceSet(luis, [phone], { after: set })
    await putStatement(world.context, OPERATOR, next.ref, next.text)
    await expect(suspend(OPERATOR, tablet)).rejects.toMatchObject({ code: 'state-conflict' })
  })
})

describe('a statement', () => {
  const read = (world: World, caller: Caller, ref: Ref) => getStatement(world.context, caller, ref)

  it('about people is read as it was put by whoever may look them up', async () => {
    const { world, phone, martas, set } = await aTown()
    for (const statement of [set, phone.statement] as Statement<unknown>[]) {
      expect(await read(world, await asDevice(world, martas), statement.ref)).toBe(statement.text)
      const newcomer = asNewcomer(await aDevice(luis, { name: 'new' }))
      await expect(read(world, newcomer, statement.ref)).rejects.toMatchObject(NOT_FOUND)
    }
    await expect(read(world, OPERATOR, luis.id)).rejects.toMatchObject(NOT_FOUND)
  })

  it('that hands a root over is for its own user until its successor is put', async () => {
    const { world, phone, martas, set } = await aTown()
    const handover = await aHandoverSet(luis, { after: set, to: exampleSigner('luis root 2') })
    await putStatement(world.context, OPERATOR, handover.ref, handover.text)
    expect(await read(world, await asDevice(world, phone), handover.ref)).toBe(handover.text)
    await expect(read(world, await asDevice(world, martas), handover.ref)).rejects.toMatchObject(NOT_FOUND)
  })

  it('that grants is for owner, grantee and the parties of deliveries that need it', async () => {
    const { world, phone, martas } = await aTown()
    const grant = await aGrant(luis, app)
    await putStatement(world.context, OPERATOR, grant.ref, grant.text)
    for (const caller of [await asDevice(world, phone), APPLICATION, OPERATOR]) {
      expect(await read(world, caller, grant.ref)).toBe(grant.text)
    }
    await expect(read(world, await asDevice(world, martas), grant.ref)).rejects.toMatchObject(NOT_FOUND)
    await putDeliveries(world, aDeliveryRow(phone, martas, { orderBy: app.id, releasedAt: null }))
    await expect(read(world, await asDevice(world, martas), grant.ref)).rejects.toMatchObject(NOT_FOUND)
    const told = aDeliveryRow(phone, martas, { orderBy: app.id, attempt: 2 })
    await putDeliveries(world, told)
    expect(await read(world, await asDevice(world, martas), grant.ref)).toBe(grant.text)
  })

  it('that orders, or is a receipt, is for the parties of its delivery', async () => {
    const { world, phone, tablet, martas } = await aTown()
    const delivery = aDeliveryRow(phone, martas)
    await putDeliveries(world, delivery)
    const { tr, dl, attempt } = delivery
    const key = { id: aKeyId(luis), class: 'shared', generation: 1, type: 'age' } as const
    const facts = { tr, dl, attempt, key, src: phone.id, dst: martas.id, dstUser: marta.id }
    const order = await anOrder(phone.signer, facts, { kid: martas.transport.kid })
    const receipt = await aReceipt(martas, {
      ...{ tr, dl, attempt, envelope: order.ref, order: order.ref },
      key: { id: key.id, generation: 1 },
    })
    for (const [{ ref, typ, text }, user] of [
      [order, luis.id],
      [receipt, marta.id],
    ] as const) {
      const row = { ref, typ, text, user, subject: dl, seq: 1, createdAt: NOW }
      await world.context.commit([{ kind: 'put-statement', row }])
      for (const party of [phone, martas, tablet])
        expect(await read(world, await asDevice(world, party), ref)).toBe(text)
      const stranger = await aDevice(aUser('eva'))
      await expect(read(world, asNewcomer(stranger), ref)).rejects.toMatchObject(NOT_FOUND)
      await expect(read(world, APPLICATION, ref)).rejects.toMatchObject(NOT_FOUND)
    }
  })
})
