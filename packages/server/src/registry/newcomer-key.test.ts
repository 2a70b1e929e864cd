import type { Thumbprint } from '@keyferry/protocol'
import { aDevice, aUser, exampleSigner } from '@keyferry/testkit'
import { expect, it } from 'vitest'
import { broughtKey } from './newcomer-key.ts'

const luis = aUser('luis')

it('takes from a statement the key of its host agent, or if it has none its own', async () => {
  const plain = await aDevice(luis)
  expect(broughtKey(plain.statement.text, plain.id)).toEqual(plain.signer.jwk)
  const hosted = await aDevice(luis, { withAccess: true })
  expect(broughtKey(hosted.statement.text, hosted.access?.id as Thumbprint)).toEqual(hosted.access?.jwk)
  expect(broughtKey(hosted.statement.text, hosted.id)).toBeNull()
})

it('takes no other key, and none from what cannot be read', async () => {
  const { statement, transport } = await aDevice(luis)
  for (const keyid of [transport.kid, luis.id, exampleSigner('x').id])
    expect(broughtKey(statement.text, keyid)).toBeNull()
  expect(() => broughtKey('a.b.c', luis.id)).toThrow(expect.objectContaining({ code: 'statement-invalid' }))
})
