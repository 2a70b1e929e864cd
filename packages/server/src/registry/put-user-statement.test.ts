import { aDevice, aUser, aUserStatement, DAY_SECONDS, exampleSigner, NOW, type TestDevice } from '@keyferry/testkit'
import { expect, it } from 'vitest'
import { asDevice, aWorld, enrolFirst, OPERATOR, type World } from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { putStatement } from './put-statement.ts'
import { getUser } from './users.ts'

const luis = aUser('luis')
const ca = exampleSigner('ca')
const APPLICATION: Caller = {
  type: 'application',
  application: { id: exampleSigner('app').id, jwk: '{}', name: 'directory', version: 1 },
}

async function aHome(): Promise<{ world: World; phone: TestDevice }> {
  const world = aWorld()
  const phone = await aDevice(luis, { withAccess: true })
  await enrolFirst(world, phone)
  return { world, phone }
}

type Made = Awaited<ReturnType<typeof aUserStatement>>
const put = (world: World, caller: Caller, statement: Made) =>
  putStatement(world.context, caller, statement.ref, statement.text)

it('is put by a device of the user, by any application and by an administrator', async () => {
  const { world, phone } = await aHome()
  for (const [i, caller] of [await asDevice(world, phone), APPLICATION, OPERATOR].entries()) {
    const statement = await aUserStatement(luis, ca, { exp: NOW + DAY_SECONDS + i })
    expect(await put(world, caller, statement)).toEqual({ view: { ref: statement.ref, index: 2 + i }, created: true })
    expect((await put(world, caller, statement)).created).toBe(false)
  }
  expect(await world.context.read.keyRole(ca.id)).toEqual({ thumbprint: ca.id, role: 'ca', holder: ca.id })
})

it('has its leaf under the user name that it gives, and is what the server names as newest', async () => {
  const { world, phone } = await aHome()
  const older = await aUserStatement(luis, ca, { iat: NOW - 5 })
  const newer = await aUserStatement(luis, ca, { username: 'luis@example' })
  for (const statement of [newer, older]) await put(world, APPLICATION, statement)
  expect((await getUser(world.context, await asDevice(world, phone), luis.id)).userStatement).toBe(newer.ref)
  expect(await world.context.read.statement(newer.ref)).toMatchObject({ user: luis.id, subject: 'luis@example' })
})

it('is not put by devices of others, by an agent, or for somebody unknown', async () => {
  const { world, phone } = await aHome()
  const marta = await aDevice(aUser('marta'))
  await enrolFirst(world, marta)
  const statement = await aUserStatement(luis, ca)
  await expect(put(world, await asDevice(world, marta), statement)).rejects.toMatchObject({ code: 'not-found' })
  const agent = await asDevice(world, phone, 'access-signature')
  await expect(put(world, agent, statement)).rejects.toMatchObject({ code: 'access-denied' })
  const nobody = await aUserStatement(aUser('nobody'), ca)
  await expect(put(world, APPLICATION, nobody)).rejects.toMatchObject({ code: 'not-found' })
})

it.each([
  ['is for another origin', 'statement-invalid', { origin: 'https://other.example' }],
  ['has expired', 'statement-expired', { iat: NOW - 10, exp: NOW }],
  ['is from the future', 'statement-invalid', { iat: NOW + 61 }],
  ['lives more than 398 days', 'statement-invalid', { exp: NOW + 398 * DAY_SECONDS + 1 }],
  ['names another CA than its signer', 'statement-invalid', { ca: exampleSigner('other ca').jwk }],
] as const)('is refused if it %s', async (_, check, members) => {
  const { world } = await aHome()
  const statement = await aUserStatement(luis, ca, members)
  await expect(put(world, APPLICATION, statement)).rejects.toMatchObject({
    code: 'statement-invalid',
    details: { check },
  })
})

it('is refused with a forged signature, or signed by a key that is no CA', async () => {
  const { world, phone } = await aHome()
  const forged = await aUserStatement(luis, { ...ca, sign: exampleSigner('somebody').sign })
  await expect(put(world, APPLICATION, forged)).rejects.toMatchObject({ code: 'statement-invalid' })
  const own = await aUserStatement(luis, phone.signer)
  await expect(put(world, APPLICATION, own)).rejects.toMatchObject({
    code: 'statement-invalid',
    details: { check: 'key-in-use' },
  })
})
