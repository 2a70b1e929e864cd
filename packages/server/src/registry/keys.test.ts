import type { KeyId } from '@keyferry/protocol'
import { aDevice, aDeviceSet, aGrant, aKeyId, aUser, exampleSigner, NOW, type TestDevice } from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import { aDeliveryRow, asDevice, aWorld, enrolAll, OPERATOR, putDeliveries, type World } from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { putApplication } from './applications.ts'
import { getKey, listKeys } from './get-key.ts'
import { type KeyBody, KeyBodyShape } from './key-view.ts'
import { putKey } from './put-key.ts'
import { putStatement } from './put-statement.ts'
import { withdrawKey } from './withdraw-key.ts'

const luis = aUser('luis')
const marta = aUser('marta')
const app = exampleSigner('app')
const APPLICATION: Caller = { type: 'application', application: { id: app.id, jwk: '{}', name: 'app', version: 1 } }
const CREATE = { expectVersion: 'absent' } as const
const NOT_FOUND = { code: 'not-found' }

interface Home {
  readonly world: World
  readonly phone: TestDevice
  readonly martas: TestDevice
  readonly set: Awaited<ReturnType<typeof enrolAll>>
  readonly caller: Caller
  readonly id: KeyId
  readonly body: KeyBody
}

async function aHome(): Promise<Home> {
  const world = aWorld()
  const phone = await aDevice(luis, { withAccess: true })
  const martas = await aDevice(marta)
  const set = await enrolAll(world, [phone])
  await enrolAll(world, [martas])
  const body: KeyBody = {
    class: 'container',
    type: 'age',
    generation: 1,
    sources: [phone.id],
    container: 'ct_35kbawdrad69570rfkfhyy361v',
    label: 'photos',
  }
  return { world, phone, martas, set, caller: await asDevice(world, phone), id: aKeyId(luis), body }
}

describe('the catalogue entry of a key', () => {
  it('is made and changed by its owner, and has a version', async () => {
    const { world, caller, id, body } = await aHome()
    const made = await putKey(world.context, caller, id, body, CREATE)
    expect(made).toEqual({ view: { id, ...body }, version: 1, created: true })
    const renewed = { ...body, generation: 2 }
    const changed = await putKey(world.context, OPERATOR, id, renewed, { expectVersion: 1 })
    expect(changed).toEqual({ view: { id, ...renewed }, version: 2, created: false })
    expect(await getKey(world.context, caller, id)).toEqual({ view: { id, ...renewed }, version: 2 })
  })

  it('is made once, and changed only by who names its version', async () => {
    const { world, caller, id, body } = await aHome()
    const put = async (expectVersion: 'absent' | number) => putKey(world.context, caller, id, body, { expectVersion })
    await expect(put(1)).rejects.toMatchObject({ code: 'precondition-failed' })
    await put('absent')
    for (const version of ['absent', 2] as const) {
      await expect(put(version)).rejects.toMatchObject({ code: 'precondition-failed' })
    }
    const results = await Promise.allSettled([put(1), put(1)])
    expect(results.find((result) => result.status === 'rejected')).toMatchObject({
      reason: { code: 'precondition-failed' },
    })
  })

  it('is nobody else’s, and not for an agent', async () => {
    const { world, phone, martas, id, body } = await aHome()
    for (const caller of [await asDevice(world, martas), APPLICATION]) {
      await expect(putKey(world.context, caller, id, body, CREATE)).rejects.toMatchObject(NOT_FOUND)
    }
    const agent = await asDevice(world, phone, 'access-signature')
    await expect(putKey(world.context, agent, id, body, CREATE)).rejects.toMatchObject({ code: 'access-denied' })
    const foreign = aKeyId(aUser('nobody'))
    await expect(putKey(world.context, OPERATOR, foreign, body, CREATE)).rejects.toMatchObject(NOT_FOUND)
  })

  it('has a generation that only grows', async () => {
    const { world, caller, id, body } = await aHome()
    await putKey(world.context, caller, id, { ...body, generation: 3 }, CREATE)
    const back = putKey(world.context, caller, id, { ...body, generation: 2 }, { expectVersion: 1 })
    await expect(back).rejects.toMatchObject({ code: 'state-conflict', details: { state: 'generation 3' } })
    expect(await putKey(world.context, caller, id, { ...body, generation: 3 }, { expectVersion: 1 })).toBeDefined()
  })

  it('names devices of its owner as sources, that count', async () => {
    const { world, phone, martas, set, caller, id, body } = await aHome()
    const foreign = { ...body, sources: [phone.id, martas.id] }
    await expect(putKey(world.context, caller, id, foreign, CREATE)).rejects.toMatchObject({ code: 'malformed' })
    const empty = await aDeviceSet(luis, [], { after: set })
    await putStatement(world.context, OPERATOR, empty.ref, empty.text)
    await expect(putKey(world.context, OPERATOR, id, body, CREATE)).rejects.toMatchObject({ code: 'malformed' })
  })

  it.each([
    ['class user without a user name', { class: 'user', container: undefined }],
    ['class container without a container', { container: undefined }],
    ['class shared with a container', { class: 'shared' }],
    ['a source twice', { sources: [exampleSigner('a').id, exampleSigner('a').id] }],
    ['an end before its beginning', { validFrom: 5, validUntil: 5 }],
    ['an unknown type', { type: 'password' }],
    ['octets', { octets: 'AAAA' }],
  ])('is not well-formed with %s', async (_, members) => {
    const { body } = await aHome()
    const candidate = Object.fromEntries(
      Object.entries({ ...body, ...members }).filter(([, value]) => value !== undefined),
    )
    expect(KeyBodyShape.safeParse(body).success).toBe(true)
    expect(KeyBodyShape.safeParse(candidate).success).toBe(false)
  })

  it('is read by grantees and by the parties of its deliveries, by nobody else', async () => {
    const { world, phone, martas, caller, id, body } = await aHome()
    await putKey(world.context, caller, id, body, CREATE)
    const theirs = await asDevice(world, martas)
    for (const other of [theirs, APPLICATION]) {
      await expect(getKey(world.context, other, id)).rejects.toMatchObject(NOT_FOUND)
    }
    const grant = await aGrant(luis, app)
    await putStatement(world.context, caller, grant.ref, grant.text)
    await putDeliveries(world, aDeliveryRow(phone, martas))
    for (const other of [theirs, APPLICATION]) expect((await getKey(world.context, other, id)).view.id).toBe(id)
  })

  it('is not there for who has only asked for it, and nameless until something is released to him', async () => {
    const { world, phone, martas, caller, id, body } = await aHome()
    await putKey(world.context, caller, id, body, CREATE)
    const theirs = await asDevice(world, martas)
    const row = aDeliveryRow(phone, martas, {
      requester: { type: 'device', id: martas.id, user: marta.id },
      state: 'requested',
      admittedAt: null,
      releasedAt: null,
    })
    await putDeliveries(world, row)
    await expect(getKey(world.context, theirs, id)).rejects.toMatchObject(NOT_FOUND)
    const admitted = { ...row, state: 'admitted', admittedAt: NOW, version: 2 } as const
    await world.context.commit([{ kind: 'replace-delivery', row: admitted }])
    const { label: _, ...nameless } = body
    expect((await getKey(world.context, theirs, id)).view).toEqual({ id, ...nameless })
    const released = { ...admitted, state: 'released', releasedAt: NOW, version: 3 } as const
    await world.context.commit([{ kind: 'replace-delivery', row: released }])
    expect((await getKey(world.context, theirs, id)).view).toEqual({ id, ...body })
  })

  it('is listed for its own user, page by page', async () => {
    const { world, martas, caller, body } = await aHome()
    for (const n of [1, 2, 3]) await putKey(world.context, caller, aKeyId(luis, n), body, CREATE)
    const first = await listKeys(world.context, caller, { limit: 2 })
    const { next } = first
    if (next === undefined) throw new Error('there is a second page')
    const second = await listKeys(world.context, caller, { limit: 2, after: next })
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual([1, 2, 3].map((n) => aKeyId(luis, n)))
    expect(second.next).toBeUndefined()
    expect((await listKeys(world.context, await asDevice(world, martas), { limit: 2 })).items).toEqual([])
    await expect(listKeys(world.context, OPERATOR, { limit: 2 })).rejects.toMatchObject(NOT_FOUND)
  })
})

describe('a key that is withdrawn', () => {
  it('takes its open deliveries with it, and stays withdrawn', async () => {
    const { world, phone, martas, caller, id, body } = await aHome()
    await putKey(world.context, caller, id, body, CREATE)
    const open = aDeliveryRow(phone, martas)
    await putDeliveries(world, open)
    await withdrawKey(world.context, caller, id, { expectVersion: 1 })
    await withdrawKey(world.context, caller, id, null)
    expect(await world.context.read.delivery(open.dl)).toMatchObject({ state: 'withdrawn', reason: 'key-withdrawn' })
    await expect(getKey(world.context, caller, id)).rejects.toMatchObject(NOT_FOUND)
    const again = putKey(world.context, caller, id, body, { expectVersion: 2 })
    await expect(again).rejects.toMatchObject({ code: 'state-conflict', details: { state: 'withdrawn' } })
    expect((await listKeys(world.context, caller, { limit: 5 })).items).toEqual([])
  })

  it('is withdrawn by its owner only, in the version that he names', async () => {
    const { world, martas, caller, id, body } = await aHome()
    await expect(withdrawKey(world.context, caller, id, null)).rejects.toMatchObject(NOT_FOUND)
    await putKey(world.context, caller, id, body, CREATE)
    const theirs = await asDevice(world, martas)
    await expect(withdrawKey(world.context, theirs, id, null)).rejects.toMatchObject(NOT_FOUND)
    const other = withdrawKey(world.context, caller, id, { expectVersion: 2 })
    await expect(other).rejects.toMatchObject({ code: 'precondition-failed' })
  })
})

describe('an application', () => {
  it('is registered and renamed by an administrator', async () => {
    const { world } = await aHome()
    const body = { jwk: app.jwk, name: 'backup' }
    const made = await putApplication(world.context, OPERATOR, app.id, body, CREATE)
    expect(made).toEqual({ view: { id: app.id, ...body }, version: 1, created: true })
    const renamed = { ...body, name: 'archive' }
    const changed = await putApplication(world.context, OPERATOR, app.id, renamed, { expectVersion: 1 })
    expect(changed).toMatchObject({ view: { name: 'archive' }, version: 2, created: false })
    expect(await world.context.read.keyRole(app.id)).toMatchObject({ role: 'application', holder: app.id })
  })

  it('is registered by nobody else, under the thumbprint of its key, once', async () => {
    const { world, phone, caller } = await aHome()
    const body = { jwk: app.jwk, name: 'backup' }
    await expect(putApplication(world.context, caller, app.id, body, CREATE)).rejects.toMatchObject(NOT_FOUND)
    const wrong = putApplication(world.context, OPERATOR, phone.id, body, CREATE)
    await expect(wrong).rejects.toMatchObject({ code: 'id-invalid' })
    await putApplication(world.context, OPERATOR, app.id, body, CREATE)
    const twice = putApplication(world.context, OPERATOR, app.id, body, CREATE)
    await expect(twice).rejects.toMatchObject({ code: 'precondition-failed' })
    const ofDevice = putApplication(world.context, OPERATOR, phone.id, { jwk: phone.signer.jwk, name: 'x' }, CREATE)
    await expect(ofDevice).rejects.toMatchObject({ code: 'statement-invalid', details: { check: 'key-in-use' } })
  })
})
