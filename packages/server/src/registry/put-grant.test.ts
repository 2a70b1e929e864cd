import {
  aDevice,
  aDeviceSet,
  aGrant,
  aHandoverSet,
  aUser,
  DAY_SECONDS,
  exampleSigner,
  NOW,
  type TestDevice,
} from '@keyferry/testkit'
import { expect, it } from 'vitest'
import { asDevice, aWorld, enrolFirst, OPERATOR, type World } from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { putStatement } from './put-statement.ts'

const luis = aUser('luis')
const app = exampleSigner('app')

async function aHome(): Promise<{ world: World; phone: TestDevice; set: Awaited<ReturnType<typeof enrolFirst>> }> {
  const world = aWorld()
  const phone = await aDevice(luis, { withAccess: true })
  return { world, phone, set: await enrolFirst(world, phone) }
}

type Made = Awaited<ReturnType<typeof aGrant>>
const put = (world: World, caller: Caller, grant: Made) => putStatement(world.context, caller, grant.ref, grant.text)

it('is kept for its owner and grantee, and has its leaf', async () => {
  const { world, phone } = await aHome()
  const grant = await aGrant(luis, app)
  const answer = { view: { ref: grant.ref, index: 2 }, created: true }
  expect(await put(world, await asDevice(world, phone), grant)).toEqual(answer)
  expect(await put(world, OPERATOR, grant)).toEqual({ ...answer, created: false })
  expect(await world.context.read.statement(grant.ref)).toMatchObject({ user: luis.id, subject: app.id })
})

it('is put for its own user only, and not by an agent', async () => {
  const { world, phone } = await aHome()
  const marta = await aDevice(aUser('marta'))
  await enrolFirst(world, marta)
  const grant = await aGrant(luis, app)
  await expect(put(world, await asDevice(world, marta), grant)).rejects.toMatchObject({ code: 'not-found' })
  const application: Caller = { type: 'application', application: { id: app.id, jwk: '{}', name: 'a', version: 1 } }
  await expect(put(world, application, grant)).rejects.toMatchObject({ code: 'not-found' })
  const agent = await asDevice(world, phone, 'access-signature')
  await expect(put(world, agent, grant)).rejects.toMatchObject({ code: 'access-denied' })
  await expect(put(world, OPERATOR, await aGrant(aUser('nobody'), app))).rejects.toMatchObject({ code: 'not-found' })
})

it.each([
  ['is for another origin', 'statement-invalid', { origin: 'https://other.example' }],
  ['has expired', 'statement-expired', { iat: NOW - 10, exp: NOW }],
  ['is from the future', 'statement-invalid', { iat: NOW + 61 }],
  ['lives more than 398 days', 'statement-invalid', { exp: NOW + 398 * DAY_SECONDS + 1 }],
] as const)('is refused if it %s', async (_, check, members) => {
  const { world } = await aHome()
  const grant = await aGrant(luis, app, members)
  await expect(put(world, OPERATOR, grant)).rejects.toMatchObject({ code: 'statement-invalid', details: { check } })
})

it('is signed by the current root: a device does not, and a hand-over ends what the old root may', async () => {
  const { world, phone, set } = await aHome()
  const byDevice = await aGrant(luis, app, {}, NOW, phone.signer)
  await expect(put(world, OPERATOR, byDevice)).rejects.toMatchObject({ code: 'statement-invalid' })
  const root2 = exampleSigner('luis root 2')
  const handover = await aHandoverSet(luis, { after: set, to: root2 })
  const next = await aDeviceSet(luis, [phone], { after: handover, root: root2, handovers: [handover] })
  for (const { ref, text } of [handover, next]) await putStatement(world.context, OPERATOR, ref, text)
  await expect(put(world, OPERATOR, await aGrant(luis, app))).rejects.toMatchObject({ code: 'statement-invalid' })
  expect(await put(world, OPERATOR, await aGrant(luis, app, {}, NOW, root2))).toMatchObject({ created: true })
})

it('does not let a key order that has another role', async () => {
  const { world, phone } = await aHome()
  const agent = phone.access ?? app
  await expect(put(world, OPERATOR, await aGrant(luis, agent))).rejects.toMatchObject({
    code: 'statement-invalid',
    details: { check: 'key-in-use' },
  })
})
