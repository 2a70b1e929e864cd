import { expect, it } from 'vitest'
import { toCrockford } from '../src/ids/crockford.ts'
import { contentDigest, kbkdf, rawId, sha256, toBase64url, utf8 } from '../src/index.ts'
import { readKeyTransferInfo } from '../src/statements/key-transfer-info.ts'
import { orderStatement } from '../src/statements/order.ts'
import { readStatement, verifyStatement } from '../src/statements/statement.ts'
import { exampleSigner } from './example-keys.ts'
import {
  aKeyTransferInfo,
  anOrder,
  luisRoot,
  luisTablet,
  martaKid,
  martaPhone,
  martaRoot,
  ORDER_REF,
} from './example-statements.ts'

/** Worked values of PROTOCOL's appendix, and those of sections 1, 7 and 17. */

const counting = (octets: number) => Uint8Array.from({ length: octets }, (_, i) => i)

it('derives the example keys', () => {
  expect(luisRoot.id).toBe('8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA')
  expect(luisTablet.id).toBe('4KyTSRw6wYuXtvLsbaUNniSaG48dmIRlZFiNMLFuv6k')
  expect(martaRoot.id).toBe('0NcTMSlAa8MSA6mfrR5o926JOmIM_61V2CLW82ymCcs')
  expect(martaPhone.id).toBe('WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc')
  expect(martaKid).toBe('FVE8zxIrHseOf3EmSUdYf4Hks01oE-bAhGDPskj3fh8')
  expect(exampleSigner('server').jwk).toMatchObject({ x: 'UC4X3LB4DdE9IV_t4QjWMiqGSNciLAVsuf448o-Z5Fk' })
})

it('writes octets as Crockford digits', () => {
  expect(toCrockford(counting(16))).toBe('00041061050r3gg28a1c60t3gf')
  expect(toCrockford(new Uint8Array(16).fill(255))).toBe('7zzzzzzzzzzzzzzzzzzzzzzzzz')
})

it('signs the order of 2.4 under the header and ref given', async () => {
  const order = await anOrder()
  expect(atob(order.jws.parts.protected)).toBe(
    '{"alg":"ES256","typ":"kf-order+jwt","kid":"4KyTSRw6wYuXtvLsbaUNniSaG48dmIRlZFiNMLFuv6k"}',
  )
  expect(order.ref).toBe(ORDER_REF)
  const read = readStatement(orderStatement, order.text)
  expect(read.ref).toBe(ORDER_REF)
  expect(await verifyStatement(read, luisTablet.jwk)).toBe(true)
})

it('writes a KTI of 949 octets with the digest given', () => {
  const binding = utf8(JSON.stringify(aKeyTransferInfo))
  expect(binding.length).toBe(949)
  expect(toBase64url(sha256(binding))).toBe('j3xBK6pp0KjiLP88smxa7r4KB333AHbdFliAzOrKev0')
  expect(readKeyTransferInfo(binding)).toEqual(aKeyTransferInfo)
})

it('derives transport keys of mechanisms (b) and (c)', () => {
  const secret = counting(32)
  const digest = new Uint8Array(32)
  expect(kbkdf(secret, 'keyferry/1 delivery-key', digest).toHex()).toBe(
    '5e9ce01e241ef39351ccd2155e8213ef5cb03f2fd2f0a36a71402d6be190e1b2',
  )
  const deviceKey = kbkdf(secret, 'keyferry/1 device-key', utf8('meter 4711'))
  expect(toBase64url(utf8('meter 4711'))).toBe('bWV0ZXIgNDcxMQ')
  expect(deviceKey.toHex()).toBe('ed67eb700bad74e025820957b55a6c74dff976ba9191f10993cf0497c1c4f815')
  expect(kbkdf(deviceKey, 'keyferry/1 delivery-key', digest).toHex()).toBe(
    'ce08e4df84295168c1fab6b97e483204fb22cc4e0af6ded1aed24fe31109a0d0',
  )
})

it('derives K1 of a pairing', () => {
  expect(kbkdf(counting(16), 'keyferry/1 pair new', sha256(utf8('https://keys.example'))).toHex()).toBe(
    'fbc6c38aed5a0bf00cd3c82949fc8cd283723fa3a9176aa6f9b2f1c76606c49d',
  )
})

it('digests the body of the example request', () => {
  expect(contentDigest(utf8('{}'))).toBe('sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:')
  expect(rawId(aKeyTransferInfo.dl)).toHaveLength(16)
})
