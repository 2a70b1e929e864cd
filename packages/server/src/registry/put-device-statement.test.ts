import {
  aDevice,
  aDeviceSet,
  aDeviceStatement,
  aUser,
  DAY_SECONDS,
  exampleSigner,
  NOW,
  type TestDevice,
} from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import {
  asDevice,
  asNewcomer,
  aWorld,
  enrolAll,
  enrolFirst,
  OPERATOR,
  rolesHeld,
  type World,
} from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { putStatement } from './put-statement.ts'

const luis = aUser('luis')

async function aHome(withAccess = false): Promise<{ world: World; phone: TestDevice; tablet: TestDevice }> {
  const world = aWorld()
  const phone = await aDevice(luis, { withAccess })
  const tablet = await aDevice(luis, { name: 'tablet' })
  await enrolAll(world, [phone, tablet])
  return { world, phone, tablet }
}

type Made = Awaited<ReturnType<typeof aDeviceStatement>>
const put = (world: World, caller: Caller, statement: Made) =>
  putStatement(world.context, caller, statement.ref, statement.text)

describe('a newer statement of a device', () => {
  it('replaces the last one, and has its leaf', async () => {
    const { world, phone } = await aHome()
    const second = await aDeviceStatement(phone, { seq: 2 })
    expect(await put(world, await asDevice(world, phone), second)).toEqual({
      view: { ref: second.ref, index: 4 },
      created: true,
    })
    expect(await world.context.read.device(phone.id)).toMatchObject({ statementRef: second.ref, statementSeq: 2 })
    expect(await world.context.read.leafIndex(second.ref)).toBe(4)
  })

  it('may be put by another device of the same user, and by an administrator', async () => {
    const { world, phone, tablet } = await aHome()
    await put(world, await asDevice(world, tablet), await aDeviceStatement(phone, { seq: 2 }))
    await put(world, OPERATOR, await aDeviceStatement(phone, { seq: 3 }))
    expect(await world.context.read.device(phone.id)).toMatchObject({ statementSeq: 3 })
  })

  it.each([1, 3, 17])('is refused with seq %i when the last one was 1', async (seq) => {
    const { world, phone } = await aHome()
    const statement = await aDeviceStatement(phone, { seq, iat: NOW + 1 })
    await expect(put(world, await asDevice(world, phone), statement)).rejects.toMatchObject({
      code: 'statement-rollback',
    })
  })

  it('is not found by devices of other users, by strangers and for devices that are not enrolled', async () => {
    const { world, phone } = await aHome()
    const stranger = await aDevice(aUser('marta'))
    const unknown = await aDevice(luis, { name: 'watch' })
    const second = await aDeviceStatement(phone, { seq: 2 })
    await expect(put(world, asNewcomer(stranger), second)).rejects.toMatchObject({ code: 'not-found' })
    await expect(put(world, await asDevice(world, phone), unknown.statement)).rejects.toMatchObject({
      code: 'not-found',
    })
    await enrolFirst(world, stranger)
    await expect(put(world, await asDevice(world, stranger), second)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('cannot move a device to another user', async () => {
    const { world, phone } = await aHome()
    const marta = await aDevice(aUser('marta'))
    await enrolFirst(world, marta)
    const moved = await aDeviceStatement(phone, { seq: 2, user: marta.user.id })
    await expect(put(world, await asDevice(world, marta), moved)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is refused once the device is revoked', async () => {
    const { world, phone, tablet } = await aHome()
    const before = await world.context.read.user(luis.id)
    const set = await world.context.statements.deviceSet(before?.setRef as typeof phone.id)
    const without = await aDeviceSet(luis, [phone], { after: set })
    await putStatement(world.context, await asDevice(world, phone), without.ref, without.text)
    const second = await aDeviceStatement(tablet, { seq: 2 })
    await expect(put(world, await asDevice(world, phone), second)).rejects.toMatchObject({ code: 'device-revoked' })
    await expect(put(world, await asDevice(world, tablet), second)).rejects.toMatchObject({ code: 'not-found' })
  })

  it.each([
    ['for another origin', 'statement-invalid', { origin: 'https://other.example' }],
    ['that has expired', 'statement-expired', { iat: NOW - 2 * DAY_SECONDS, exp: NOW }],
    ['from the future', 'statement-invalid', { iat: NOW + 61, exp: NOW + DAY_SECONDS }],
    ['that lives more than 90 days', 'statement-invalid', { exp: NOW + 90 * DAY_SECONDS + 1 }],
  ] as const)('is refused if it is one %s', async (_, check, members) => {
    const { world, phone } = await aHome()
    const statement = await aDeviceStatement(phone, { seq: 2, ...members })
    await expect(put(world, await asDevice(world, phone), statement)).rejects.toMatchObject({
      code: 'statement-invalid',
      details: { check },
    })
  })

  it('is refused with the signature of another key', async () => {
    const { world, phone, tablet } = await aHome()
    const forged = await aDeviceStatement(phone, { seq: 2 }, NOW, { ...tablet.signer, id: phone.id })
    await expect(put(world, await asDevice(world, tablet), forged)).rejects.toMatchObject({
      code: 'statement-invalid',
      details: { check: 'statement-invalid' },
    })
  })

  it('lets one of two concurrent writers win and tells the other', async () => {
    const { world, phone } = await aHome()
    const caller = await asDevice(world, phone)
    const [one, other] = [
      await aDeviceStatement(phone, { seq: 2 }),
      await aDeviceStatement(phone, { seq: 2, exp: NOW + 1 }),
    ]
    const results = await Promise.allSettled([put(world, caller, one), put(world, caller, other)])
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find((result) => result.status === 'rejected')).toMatchObject({
      reason: { code: 'statement-rollback' },
    })
  })
})

describe('keys that a statement names', () => {
  it('get their role with it', async () => {
    const { world, phone } = await aHome()
    const fresh = exampleTransport('luis phone enc 2')
    const statement = await aDeviceStatement(phone, { seq: 2, enc: [fresh] })
    await put(world, await asDevice(world, phone), statement)
    expect(await rolesHeld(world, { ...phone, statement })).toEqual(['device', 'transport'])
  })

  it.each(['of another device', 'of another role'])('are refused if they are %s', async (which) => {
    const { world, phone, tablet } = await aHome()
    const { x, y } = which === 'of another role' ? luis.root.jwk : tablet.transport.jwk
    const jwk = { kty: 'EC', crv: 'P-256', x, y }
    const offer = { jwk, alg: 'HPKE-7', nbf: NOW, exp: NOW + DAY_SECONDS, exposure: 'software' as const }
    const marta = await aDevice(aUser('marta'))
    await enrolFirst(world, marta)
    const taker = which === 'of another role' ? marta : phone
    const statement = await aDeviceStatement(taker, { seq: 2, enc: [offer] })
    await expect(put(world, await asDevice(world, taker), statement)).rejects.toMatchObject({
      code: 'statement-invalid',
      details: { check: 'key-in-use' },
    })
    expect(await world.context.read.device(taker.id)).toMatchObject({ statementSeq: 1 })
  })
})

describe('the access key', () => {
  it('puts the statement that brings it', async () => {
    const { world, phone } = await aHome(true)
    const access = exampleSigner('luis phone access 2')
    const second = await aDeviceStatement(phone, { seq: 2, access: { ...access.jwk } })
    await put(world, { type: 'newcomer', keyid: access.id }, second)
    expect(await world.context.read.device(phone.id)).toMatchObject({ accessKey: access.id })
  })

  it('is not brought under the signature of any other key', async () => {
    const { world, phone } = await aHome(true)
    const access = exampleSigner('luis phone access 2')
    const second = await aDeviceStatement(phone, { seq: 2, access: { ...access.jwk } })
    for (const method of ['device-signature', 'access-signature'] as const) {
      await expect(put(world, await asDevice(world, phone, method), second)).rejects.toMatchObject({
        code: 'statement-invalid',
        details: { check: 'signature-invalid' },
      })
    }
  })

  it('puts statements of its own device only, and no set', async () => {
    const { world, phone, tablet } = await aHome(true)
    const agent = await asDevice(world, phone, 'access-signature')
    await put(world, agent, await aDeviceStatement(phone, { seq: 2 }))
    const foreign = await aDeviceStatement(tablet, { seq: 2 })
    await expect(put(world, agent, foreign)).rejects.toMatchObject({ code: 'not-found' })
    const user = await world.context.read.user(luis.id)
    const before = await world.context.statements.deviceSet(user?.setRef as typeof phone.id)
    const set = await aDeviceSet(luis, [phone, tablet], { after: before })
    await expect(putStatement(world.context, agent, set.ref, set.text)).rejects.toMatchObject({ code: 'access-denied' })
  })

  it('goes when a statement leaves it out', async () => {
    const { world, phone } = await aHome(true)
    const without = await aDeviceStatement({ ...phone, access: null }, { seq: 2 })
    await put(world, await asDevice(world, phone), without)
    expect(await world.context.read.device(phone.id)).toMatchObject({ accessKey: null })
  })
})

function exampleTransport(name: string) {
  const { kty, crv, x, y } = exampleSigner(name).jwk
  return {
    jwk: { kty, crv, x, y },
    alg: 'HPKE-7',
    nbf: NOW,
    exp: NOW + DAY_SECONDS,
    exposure: 'software' as const,
  }
}
