import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  webcrypto,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { TransportJwk } from '../src/jose/jwk.ts'
import { thumbprint } from '../src/jose/jwk.ts'
import { toBase64url, utf8 } from '../src/json/base64url.ts'
import { fromHex, toHex } from '../src/json/hex.ts'
import { rsaOaep256 } from '../src/suites/rsa-oaep-256.ts'
import { rsaOaep256WithFixedSeed } from '../src/suites/rsa-oaep-256-deterministic.ts'
import { unwrapKey, wrapKey } from '../src/suites/wrapped.ts'
import { checkWrapped } from '../src/suites/wrapped-checks.ts'
import { withCode } from './example-keys.ts'
import { aKeyTransferInfo } from './example-statements.ts'

const ALG = 'RSA-OAEP-256'
const BINDING = utf8('{"v":1}')

interface RsaKey {
  readonly recipient: TransportJwk & { readonly kty: 'RSA' }
  /** For node:crypto, the other implementation. */
  readonly other: KeyObject
  readonly pair: { readonly publicKey: webcrypto.CryptoKey; readonly privateKey: webcrypto.CryptoKey }
}

async function anRsaKey(bits: number): Promise<RsaKey> {
  const { privateKey: other } = generateKeyPairSync('rsa', { modulusLength: bits })
  return rsaKeyOf(other.export({ format: 'jwk' }), other)
}

async function rsaKeyOf(jwk: webcrypto.JsonWebKey, other: KeyObject): Promise<RsaKey> {
  const { n = '', e = '' } = jwk
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
  const publicKey = await webcrypto.subtle.importKey('jwk', { kty: 'RSA', n, e }, algorithm, true, ['encrypt'])
  const privateKey = await webcrypto.subtle.importKey('jwk', jwk, algorithm, false, ['decrypt'])
  return { recipient: { kty: 'RSA', n, e }, other, pair: { publicKey, privateKey } }
}

const keys = new Map([
  [2048, await anRsaKey(2048)],
  [2056, await anRsaKey(2056)],
  [3072, await anRsaKey(3072)],
])
const key = keys.get(2048) as RsaKey
const to = { alg: ALG, recipient: key.recipient, kid: thumbprint(key.recipient), binding: BINDING }
const KTI = { ...aKeyTransferInfo, alg: ALG, kid: to.kid }

function openedElsewhere({ other }: RsaKey, blob: string): Uint8Array {
  const oaep = { key: other, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  return new Uint8Array(privateDecrypt(oaep, Buffer.from(blob, 'base64url')))
}

function wrappedElsewhere({ other }: RsaKey, octets: Uint8Array, oaep: object = { oaepHash: 'sha256' }): string {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return publicEncrypt({ key: other, padding, ...oaep }, octets).toString('base64url')
}

async function blobOf(question: Parameters<typeof wrapKey>[0]): Promise<string> {
  const wrapped = await wrapKey(question)
  if (!('blob' in wrapped)) throw new Error('this suite makes a blob')
  return wrapped.blob
}

describe('RSA-OAEP-256', () => {
  it.each([2048, 2056, 3072])('wraps for a key of %i bits what another implementation opens', async (bits) => {
    const target = keys.get(bits) as RsaKey
    const kid = thumbprint(target.recipient)
    for (const count of [1, 32, bits / 8 - 66]) {
      const keyOctets = new Uint8Array(randomBytes(count))
      const wrapped = await wrapKey({ ...to, recipient: target.recipient, kid, keyOctets })
      expect(wrapped).toEqual({ alg: ALG, kid, blob: expect.any(String) })
      const { blob } = wrapped as { blob: string }
      expect(Buffer.from(blob, 'base64url')).toHaveLength(bits / 8)
      expect(openedElsewhere(target, blob)).toEqual(keyOctets)
      checkWrapped(wrapped, { ...KTI, kid }, target.recipient)
    }
  })

  it('opens what another implementation wrapped', async () => {
    const keyOctets = new Uint8Array(randomBytes(24))
    const wrapped = { alg: ALG, kid: to.kid, blob: wrappedElsewhere(key, keyOctets) }
    expect(await unwrapKey({ alg: ALG, pair: key.pair, wrapped, binding: BINDING, type: 'aes' })).toEqual(keyOctets)
  })

  it('takes a fresh seed each time', async () => {
    const question = { ...to, keyOctets: new Uint8Array(32) }
    expect(await blobOf(question)).not.toBe(await blobOf(question))
  })

  it('refuses more octets than the key takes', async () => {
    const refused = withCode('key-not-exportable')
    await expect(wrapKey({ ...to, keyOctets: new Uint8Array(191) })).rejects.toEqual(refused)
    await expect(wrapKey({ ...to, keyOctets: new Uint8Array(1024) })).rejects.toEqual(refused)
    await expect(wrapKey({ ...to, keyOctets: new Uint8Array(16_385) })).rejects.toEqual(withCode('too-large'))
  })

  it('refuses public keys that section 1 does not allow', async () => {
    const { n } = key.recipient
    const modulus = new Uint8Array(Buffer.from(n, 'base64url'))
    const small = (await anRsaKey(1024)).recipient
    const even = modulus.with(modulus.length - 1, 2)
    const recipients: TransportJwk[] = [
      small,
      { kty: 'RSA', n, e: 'Aw' },
      { kty: 'RSA', n: toBase64url(even), e: 'AQAB' },
      { kty: 'RSA', n: toBase64url(Uint8Array.of(0, ...modulus)), e: 'AQAB' },
      { kty: 'RSA', n: toBase64url(new Uint8Array(520).fill(255)), e: 'AQAB' },
      { kty: 'EC', crv: 'P-256', x: toBase64url(new Uint8Array(32)), y: toBase64url(new Uint8Array(32)) },
    ]
    for (const recipient of recipients) {
      const keyOctets = new Uint8Array(32)
      await expect(wrapKey({ ...to, recipient, keyOctets })).rejects.toEqual(withCode('public-key-invalid'))
    }
  })

  it('names every failed opening alike', async () => {
    const octets = new Uint8Array(32)
    const wrapped = { alg: ALG, kid: to.kid, blob: wrappedElsewhere(key, octets) }
    const open = { alg: ALG, pair: key.pair, wrapped, binding: BINDING, type: 'aes' } as const
    const under = (blob: string): typeof open => ({ ...open, wrapped: { ...wrapped, blob } })
    const raw = Buffer.from(wrapped.blob, 'base64url')
    const failures = [
      { ...open, type: 'private' as const },
      { ...open, alg: 'RSA-OAEP' },
      { ...open, wrapped: { ...wrapped, alg: 'RSA-OAEP' } },
      { ...open, pair: (keys.get(3072) as RsaKey).pair },
      { ...open, pair: (await anRsaKey(2048)).pair },
      under(''),
      under(toBase64url(new Uint8Array(256))),
      under(toBase64url(Uint8Array.of(0, ...raw))),
      under(toBase64url(raw.subarray(1))),
      under(toBase64url(raw.map((octet, i) => (i === 200 ? octet ^ 1 : octet)))),
      under(wrappedElsewhere(key, octets, { oaepHash: 'sha1' })),
      under(wrappedElsewhere(key, octets, { oaepHash: 'sha256', oaepLabel: Buffer.from('DUPLICATE\0') })),
      under(wrappedElsewhere(key, octets, { padding: constants.RSA_PKCS1_PADDING })),
      under(wrappedElsewhere(key, new Uint8Array(31))),
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

  it('opens nothing that is shorter than the modulus, though it is the same number', async () => {
    const blob = await withLeadingZero(async () => Buffer.from(wrappedElsewhere(key, new Uint8Array(1)), 'base64url'))
    expect(await rsaOaep256.unwrap(key.pair, blob)).toEqual(new Uint8Array(1))
    await expect(rsaOaep256.unwrap(key.pair, blob.subarray(1))).rejects.toEqual(withCode('unwrap-failed'))
  })

  it('makes blobs whose length everybody can check who knows the key', async () => {
    const wrapped = { alg: ALG, kid: to.kid, blob: toBase64url(new Uint8Array(257)) }
    const malformed = withCode('envelope-malformed')
    expect(() => checkWrapped(wrapped, KTI)).not.toThrow()
    expect(() => checkWrapped(wrapped, KTI, key.recipient)).toThrow(malformed)
    const both = { ...wrapped, alg: 'RSA-OAEP-256+A256KWP' }
    const terms = { ...KTI, alg: both.alg }
    for (const [octets, fits] of [
      [256 + 40, true],
      [256 + 41, false],
      [256 + 8, false],
    ] as const) {
      const check = (): void =>
        checkWrapped({ ...both, blob: toBase64url(new Uint8Array(octets)) }, terms, key.recipient)
      if (fits) expect(check).not.toThrow()
      else expect(check).toThrow(malformed)
    }
    expect(() => checkWrapped({ ...wrapped, kid: KTI.src as never }, KTI)).toThrow(withCode('binding-mismatch'))
    expect(() => checkWrapped({ ...wrapped, alg: 'RSA-OAEP' }, KTI)).toThrow(withCode('binding-mismatch'))
  })
})

async function withLeadingZero(make: () => Promise<Uint8Array>): Promise<Uint8Array> {
  for (;;) {
    const octets = await make()
    if (octets[0] === 0) return octets
  }
}

interface Published {
  jwk: { kty: 'RSA'; n: string; e: string }
  tests: { tcId: number; comment: string; seed?: string; msg: string; ct: string; result: 'valid' | 'invalid' }[]
}
const published: Published = JSON.parse(
  readFileSync(new URL('./wycheproof-rsa-oaep-256.json', import.meta.url), 'utf8'),
)

describe('published vectors of RSAES-OAEP', async () => {
  const { kty, n, e } = published.jwk
  const { pair } = await rsaKeyOf(published.jwk, key.other)

  it.each(published.tests)('$tcId ($comment): $result', async ({ msg, ct, seed, result }) => {
    const opened = rsaOaep256.unwrap(pair, fromHex(ct))
    if (result === 'invalid') await expect(opened).rejects.toEqual(withCode('unwrap-failed'))
    else expect(toHex(await opened)).toBe(msg)
    if (seed === undefined) return
    const wrapped = await rsaOaep256WithFixedSeed(fromHex(seed)).wrap({ kty, n, e }, fromHex(msg))
    expect(toHex(wrapped)).toBe(ct)
  })
})
