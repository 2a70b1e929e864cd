import { expect, it } from 'vitest'
import { exampleTransportKey } from '../../test/example-keys.ts'
import { aKeyTransferInfo, martaKid, martaPhoneEnc } from '../../test/example-statements.ts'
import { utf8 } from '../json/base64url.ts'
import { hpke7 } from './hpke-7.ts'
import { hpke7WithFixedEphemeralKey } from './hpke-7-deterministic.ts'
import { unwrapKey, wrapWith } from './wrapped.ts'

it('seals the same octets each time, which the usual suite opens', async () => {
  const { jwk, scalar } = exampleTransportKey('ephemeral')
  const suite = hpke7WithFixedEphemeralKey(await hpke7.importKeyPair(jwk, scalar))
  const binding = utf8(JSON.stringify(aKeyTransferInfo))
  const question = { recipient: martaPhoneEnc.jwk, kid: martaKid, keyOctets: new Uint8Array(16), binding }
  const wrapped = await wrapWith(suite, question)
  expect(await wrapWith(suite, question)).toEqual(wrapped)
  const pair = await hpke7.importKeyPair(martaPhoneEnc.jwk, martaPhoneEnc.scalar)
  expect(await unwrapKey({ alg: 'HPKE-7', pair, wrapped, binding, type: 'aes' })).toEqual(new Uint8Array(16))
})
