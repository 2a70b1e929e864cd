import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exampleSigner, withCode } from '../../test/example-keys.ts'
import { aKeyTransferInfo, anOrder, luisTablet, martaKid, martaPhoneEnc } from '../../test/example-statements.ts'
import { KeyferryError } from '../errors.ts'
import { signJws } from '../jose/jws.ts'
import { utf8 } from '../json/base64url.ts'
import { hpke7 } from '../suites/hpke-7.ts'
import { unwrapKey, wrapKey } from '../suites/wrapped.ts'
import { checkWrapped } from '../suites/wrapped-checks.ts'
import { ENVELOPE_TYP, readEnvelope, signEnvelope, verifyEnvelope } from './envelope.ts'

const binding = utf8(JSON.stringify(aKeyTransferInfo))
const order = await anOrder()
const keyOctets = utf8('AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX')
const wrapped = await wrapKey({ alg: 'HPKE-7', recipient: martaPhoneEnc.jwk, kid: martaKid, keyOctets, binding })
const octets = await signEnvelope(luisTablet, { order: order.text, binding, wrapped })

it('carries order, KTI and wrapped key to the target', async () => {
  const envelope = readEnvelope(octets)
  expect(envelope.kid).toBe(luisTablet.id)
  expect(envelope.order).toEqual(order)
  expect(envelope.kti).toEqual(aKeyTransferInfo)
  expect(envelope.binding).toEqual(binding)
  expect(envelope.octets).toBe(octets)
  expect(await verifyEnvelope(envelope, luisTablet.jwk)).toBe(true)
  expect(await verifyEnvelope(envelope, exampleSigner('other').jwk)).toBe(false)
  checkWrapped(envelope.wrapped, envelope.kti)
  const pair = await hpke7.importKeyPair(martaPhoneEnc.jwk, martaPhoneEnc.scalar)
  const question = { alg: 'HPKE-7', pair, wrapped: envelope.wrapped, binding: envelope.binding }
  expect(await unwrapKey({ ...question, type: 'secret' })).toEqual(keyOctets)
})

it('is read by its own form first; order and KTI fail when they are asked for', async () => {
  const envelope = readEnvelope(await signEnvelope(luisTablet, { order: 'x.y.z', binding: utf8('{}'), wrapped }))
  expect(() => envelope.order).toThrow(withCode('order-invalid'))
  expect(() => envelope.kti).toThrow(withCode('binding-mismatch'))
})

it('is not taken with more members, or in compact form', () => {
  const parts = JSON.parse(new TextDecoder().decode(octets))
  for (const other of [
    { ...parts, header: {} },
    { ...parts, signature: '' },
    { payload: parts.payload },
    parts.payload,
  ]) {
    expect(() => readEnvelope(utf8(JSON.stringify(other)))).toThrow(withCode('envelope-malformed'))
  }
})

it('is not taken with more members in its payload', async () => {
  const { payload } = readEnvelope(octets)
  const { payload: body, ...jws } = await signJws(
    luisTablet,
    ENVELOPE_TYP,
    utf8(JSON.stringify({ ...payload, more: 1 })),
  )
  expect(() => readEnvelope(utf8(JSON.stringify({ payload: body, ...jws })))).toThrow(withCode('envelope-malformed'))
})

it('does not verify under a key of a kind that we do not know', async () => {
  expect(await verifyEnvelope(readEnvelope(octets), { kty: 'AKP', alg: 'ML-DSA-65', pub: 'AAAA' })).toBe(false)
})

it('is refused, or read, or fails to verify, whatever octet changes; never another exception', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(octets.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
      const changed = Uint8Array.from(octets)
      changed[at] = (changed[at] as number) ^ bits
      try {
        const envelope = readEnvelope(changed)
        expect(await verifyEnvelope(envelope, luisTablet.jwk)).toBe(false)
      } catch (error) {
        expect(error).toBeInstanceOf(KeyferryError)
        expect((error as KeyferryError).code).toBe('envelope-malformed')
      }
    }),
  )
})
