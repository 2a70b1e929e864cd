import { makeId } from '@keyferry/protocol'
import { aDevice, aKeyId, anOrder, aUser } from '@keyferry/testkit'
import { expect, it } from 'vitest'
import { asDevice, aWorld, enrolAll, enrolFirst } from '../../test/world.ts'
import { putStatement } from './put-statement.ts'

const luis = aUser('luis')

it('refuses an address that is not the ref of what is put', async () => {
  const world = aWorld()
  const phone = await aDevice(luis)
  const set = await enrolFirst(world, phone)
  const put = putStatement(world.context, await asDevice(world, phone), set.ref, phone.statement.text)
  await expect(put).rejects.toMatchObject({ code: 'malformed' })
})

it('takes no orders, no unknown types and nothing that is no compact JWS', async () => {
  const world = aWorld()
  const phone = await aDevice(luis)
  await enrolFirst(world, phone)
  const caller = await asDevice(world, phone)
  const order = await anOrder(
    phone.signer,
    {
      tr: makeId('tr', new Uint8Array(16)),
      dl: makeId('dl', new Uint8Array(16)),
      attempt: 1,
      key: { id: aKeyId(luis), class: 'shared', generation: 1, type: 'age' },
      src: phone.id,
      dst: phone.id,
      dstUser: luis.id,
    },
    { kid: phone.transport.kid },
  )
  await expect(putStatement(world.context, caller, order.ref, order.text)).rejects.toMatchObject({
    code: 'statement-invalid',
    details: { check: 'statement-invalid' },
  })
  await expect(putStatement(world.context, caller, order.ref, 'a.b')).rejects.toMatchObject({ code: 'malformed' })
})

it('answers a statement that it has with what it said before, also when it came with an enrolment', async () => {
  const world = aWorld()
  const phone = await aDevice(luis)
  const tablet = await aDevice(luis, { name: 'tablet' })
  const set = await enrolAll(world, [phone, tablet])
  const caller = await asDevice(world, tablet)
  for (const statement of [set, phone.statement, tablet.statement]) {
    const index = await world.context.read.leafIndex(statement.ref)
    const put = await putStatement(world.context, caller, statement.ref, statement.text)
    expect(put).toEqual({ view: { ref: statement.ref, index }, created: false })
  }
})

it('tells nobody else whether it has a statement', async () => {
  const world = aWorld()
  const phone = await aDevice(luis)
  const set = await enrolFirst(world, phone)
  const stranger = await aDevice(aUser('marta'))
  await enrolFirst(world, stranger)
  const caller = await asDevice(world, stranger)
  for (const { ref, text } of [set, phone.statement]) {
    await expect(putStatement(world.context, caller, ref, text)).rejects.toMatchObject({ code: 'not-found' })
  }
})
