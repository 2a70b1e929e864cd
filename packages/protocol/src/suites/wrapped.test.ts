import fc from 'fast-check'
import { expect, it } from 'vitest'
import { withCode } from '../../test/example-keys.ts'
import { aKeyTransferInfo, martaKid, martaPhoneEnc } from '../../test/example-statements.ts'
import type { SharedSecretId } from '../ids/ids.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import type { WrappedKey } from '../statements/wrapped-key.ts'
import { hpke7 } from './hpke-7.ts'
import { readPaddedKey, writePaddedKey } from './padded-key.ts'
import { decodeSecret, encodeSecret } from './secret-base64url.ts'
import { unwrapKey, wrapKey, wrappedAad, wrapWith } from './wrapped.ts'
import { checkWrapped } from './wrapped-checks.ts'

const binding = utf8(JSON.stringify(aKeyTransferInfo))
const pair = await hpke7.importKeyPair(martaPhoneEnc.jwk, martaPhoneEnc.scalar)
const to = { alg: 'HPKE-7', recipient: martaPhoneEnc.jwk, kid: martaKid, binding }
const keyOctets = new Uint8Array(32).fill(7)
const wrapped = await wrapWith(hpke7, { ...to, keyOctets })
const KTI = aKeyTransferInfo

it('brings key octets of any length over, padded to a multiple of 512', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 1024 }), async (octets) => {
      const jwe = await wrapWith(hpke7, { ...to, keyOctets: octets })
      expect((fromBase64url(jwe.ciphertext).length - 16) % 512).toBe(0)
      checkWrapped(jwe, KTI)
      expect(await unwrapKey({ alg: 'HPKE-7', pair, wrapped: jwe, binding, type: 'secret' })).toEqual(octets)
    }),
    { numRuns: 40 },
  )
})

it('names every failed opening alike', async () => {
  const open = { alg: 'HPKE-7', pair, wrapped, binding, type: 'aes' } as const
  const otherPair = await hpke7.generateKeyPair()
  const failures = [
    { ...open, type: 'age' as const },
    { ...open, type: 'private' as const },
    { ...open, binding: utf8('{}') },
    { ...open, pair: otherPair },
    { ...open, alg: 'HPKE-9' },
    { ...open, wrapped: { ...wrapped, ciphertext: 'AAAA' } },
    { ...open, wrapped: { ...wrapped, encrypted_key: 'AAAA' } },
    { ...open, wrapped: { ...wrapped, encrypted_key: toBase64url(new Uint8Array(65).fill(4)) } },
    { ...open, wrapped: { alg: 'A256KWP', secret: 'ss_00000000000000000000000000' as SharedSecretId, blob: 'AAAA' } },
  ]
  const messages = new Set<string>()
  for (const failure of failures) {
    const error = await unwrapKey(failure).catch((caught) => caught)
    expect(error).toEqual(withCode('unwrap-failed'))
    expect(error.cause).toBeUndefined()
    messages.add(error.message)
  }
  expect(messages.size).toBe(1)
})

it('refuses a P that was sealed rightly and is not strict', async () => {
  const usual = writePaddedKey(keyOctets, binding)
  const text = new TextDecoder().decode(usual)
  const pad = /"pad":"(0*)"/.exec(text)?.[1] ?? ''
  const spoilt = [
    text.replace('"v":1', '"v":2'),
    text.replace(pad, `${pad.slice(1)}1`),
    text.replace(`${pad}"`, `${pad.slice(10)}","x":"1"`.padEnd(pad.length + 1)),
    text.slice(0, -1),
    text.replace(/"octets":"./, '"octets":"='),
    text.replace(/"binding":"./, '"binding":"_'),
    text + text,
    `${text.slice(0, -1)}${' '.repeat(512)}`,
  ]
  const aad = wrappedAad(wrapped.protected, binding)
  for (const one of spoilt) {
    const sealed = await hpke7.seal(martaPhoneEnc.jwk, utf8(one), aad)
    const jwe = {
      ...wrapped,
      encrypted_key: toBase64url(sealed.encryptedKey),
      ciphertext: toBase64url(sealed.ciphertext),
    }
    await expect(unwrapKey({ alg: 'HPKE-7', pair, wrapped: jwe, binding, type: 'aes' })).rejects.toEqual(
      withCode('unwrap-failed'),
    )
  }
})

it('reads a P that others wrote with other white space, order and `ext`', () => {
  const { binding: digest, octets } = JSON.parse(new TextDecoder().decode(writePaddedKey(keyOctets, binding)))
  const other = JSON.stringify({ octets, ext: { a: 1 }, pad: '', binding: digest, v: 1 }, null, 1)
  expect(readPaddedKey(utf8(other.padEnd(512)), binding)).toEqual(keyOctets)
  expect(readPaddedKey(utf8(other), binding)).toBeNull()
  expect(readPaddedKey(new Uint8Array(0), binding)).toBeNull()
})

it('makes a P that is JSON as PROTOCOL writes it, with `pad` of 0..511', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1500 }), (octets) => {
      const padded = writePaddedKey(octets, binding)
      expect(padded.length % 512).toBe(0)
      const read = JSON.parse(new TextDecoder().decode(padded))
      expect(Object.keys(read)).toEqual(['v', 'binding', 'octets', 'pad'])
      expect(read.octets).toBe(toBase64url(octets))
      expect(read.pad).toMatch(/^0{0,511}$/)
      expect(readPaddedKey(padded, binding)).toEqual(octets)
    }),
  )
})

it('codes secrets as base64url does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
      const text = encodeSecret(octets)
      expect(new TextDecoder().decode(text)).toBe(toBase64url(octets))
      expect(decodeSecret(text)).toEqual(octets)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'AZaz09-_+/=. QB'), maxLength: 12 }), (text) => {
      expect(decodeSecret(utf8(text))).toEqual(orNull(() => fromBase64url(text)))
    }),
  )
})

it('refuses to wrap for a point off the curve, under a suite it does not do, or too much', async () => {
  const off = { ...martaPhoneEnc.jwk, y: toBase64url(new Uint8Array(32).fill(1)) }
  await expect(wrapKey({ ...to, recipient: off, keyOctets })).rejects.toEqual(withCode('public-key-invalid'))
  await expect(wrapKey({ ...to, alg: 'HPKE-8', keyOctets })).rejects.toEqual(withCode('alg-not-allowed'))
  await expect(wrapKey({ ...to, keyOctets: new Uint8Array(16_385) })).rejects.toEqual(withCode('too-large'))
})

it('exports the private octets of an extractable pair only', async () => {
  const made = await hpke7.generateKeyPair({ extractable: true })
  const again = await hpke7.importKeyPair(await hpke7.exportPublicKey(made), await hpke7.exportPrivateKey(made))
  const sealed = await hpke7.seal(await hpke7.exportPublicKey(made), keyOctets, binding)
  expect(await hpke7.open(again, sealed, binding)).toEqual(keyOctets)
  await expect(hpke7.exportPrivateKey(again)).rejects.toThrow()
  await expect(hpke7.importKeyPair(martaPhoneEnc.jwk, new Uint8Array(32))).rejects.toEqual(withCode('malformed'))
})

it('checks what somebody who cannot open it can see', () => {
  const header = (members: object) =>
    toBase64url(utf8(JSON.stringify({ alg: 'HPKE-7', kid: martaKid, typ: 'kf-key+jwe', ...members })))
  const malformed: WrappedKey[] = [
    { ...wrapped, iv: 'AAAAAAAAAAAAAAAA', tag: 'AAAAAAAAAAAAAAAAAAAAAA' },
    { ...wrapped, iv: 'AAAAAAAAAAAAAAAA' },
    { ...wrapped, tag: 'AAAAAAAAAAAAAAAAAAAAAA' },
    { ...wrapped, encrypted_key: 'AAAA' },
    { ...wrapped, ciphertext: 'AAAAAAAAAAAAAAAAAAAAAA' },
    { ...wrapped, ciphertext: `${wrapped.ciphertext}AAAA` },
    { ...wrapped, ciphertext: wrapped.ciphertext.slice(0, -4) },
    { ...wrapped, ciphertext: '' },
    { ...wrapped, protected: header({ enc: 'A256GCM' }) },
    { ...wrapped, protected: header({ zip: 'DEF' }) },
    { ...wrapped, protected: header({ epk: martaPhoneEnc.jwk }) },
    { ...wrapped, protected: header({ typ: 'JOSE' }) },
    { ...wrapped, protected: 'AAAA' },
    { alg: 'HPKE-7', kid: martaKid, blob: 'AAAA' },
  ]
  for (const one of malformed) expect(() => checkWrapped(one, KTI)).toThrow(withCode('envelope-malformed'))
  expect(() => checkWrapped(wrapped, { ...KTI, alg: 'RSA-OAEP-256' })).toThrow(withCode('envelope-malformed'))
  const mismatched = [
    header({ alg: 'HPKE-9' }),
    header({ kid: KTI.src }),
    header({ apu: KTI.src }),
    header({ apv: KTI.dst }),
  ]
  for (const one of mismatched) {
    expect(() => checkWrapped({ ...wrapped, protected: one }, KTI)).toThrow(withCode('binding-mismatch'))
  }
  expect(() => checkWrapped(wrapped, { ...KTI, alg: 'none' })).toThrow(withCode('binding-mismatch'))
  const blob = { alg: 'RSA-OAEP-256', kid: martaKid, blob: toBase64url(new Uint8Array(256)) }
  expect(() => checkWrapped(blob, { ...KTI, alg: 'RSA-OAEP-256' })).not.toThrow()
  expect(() => checkWrapped({ ...blob, blob: 'AAAA' }, { ...KTI, alg: 'RSA-OAEP-256' })).toThrow(
    withCode('envelope-malformed'),
  )
})

function orNull<T>(action: () => T): T | null {
  try {
    return action()
  } catch {
    return null
  }
}
