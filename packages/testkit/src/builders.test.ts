import { deviceSetStatement, deviceStatement, readStatement, verifyStatement } from '@keyferry/protocol'
import { expect, it } from 'vitest'
import { aDevice, aDeviceSet, aHandoverSet, aUser, keysOf } from './builders.ts'
import { exampleSigner } from './example-keys.ts'

const luis = aUser('luis')

it('signs the statement of a device with its own key', async () => {
  const phone = await aDevice(luis, { withAccess: true })
  const read = readStatement(deviceStatement, phone.statement.text)
  expect(read.kid).toBe(phone.id)
  expect(await verifyStatement(read, phone.signer.jwk)).toBe(true)
  expect(keysOf(phone)).toHaveLength(3)
})

it('chains sets, and hands the root over', async () => {
  const phone = await aDevice(luis)
  const first = await aDeviceSet(luis, [phone])
  const second = await aDeviceSet(luis, [phone], { after: first })
  const newRoot = exampleSigner('luis root 2')
  const handover = await aHandoverSet(luis, { after: second, to: newRoot })
  const fourth = await aDeviceSet(luis, [phone], { after: handover, root: newRoot, handovers: [handover] })
  expect(readStatement(deviceSetStatement, fourth.text).payload).toMatchObject({ seq: 4, prev: handover.ref })
  expect(await verifyStatement(handover, luis.root.jwk)).toBe(true)
  expect(await verifyStatement(fourth, newRoot.jwk)).toBe(true)
})
