import { generateKeyPairSync } from 'node:crypto'
import { bech32 } from '@scure/base'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exampleSigner } from '../../test/example-keys.ts'
import { concatOctets, fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import { keyOctetsFit } from './key-octets.ts'
import { isOnP256, isSoundEd25519, isSoundRsa, transportKeyIsValid } from './public-key.ts'

/** 32 octets 42h. */
const AGE = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX'

it('takes lengths that a type may have, and no others', () => {
  const fits = (type: 'aes' | 'hmac' | 'secret') =>
    [0, 1, 16, 24, 32, 33, 1024, 1025].filter((n) => keyOctetsFit(type, new Uint8Array(n)))
  expect(fits('aes')).toEqual([16, 24, 32])
  expect(fits('hmac')).toEqual([1, 16, 24, 32, 33, 1024])
  expect(fits('secret')).toEqual(fits('hmac'))
})

it('takes the line of an age identity with its checksum, and not with a letter changed', () => {
  expect(keyOctetsFit('age', utf8(AGE))).toBe(true)
  for (let i = 0; i < AGE.length; i++) {
    const other = AGE[i] === 'Q' ? 'P' : 'Q'
    expect(keyOctetsFit('age', utf8(AGE.slice(0, i) + other + AGE.slice(i + 1)))).toBe(false)
  }
  for (const text of [AGE.toLowerCase(), `${AGE}\n`, ` ${AGE}`, AGE.slice(0, -1), 'AGE-SECRET-KEY-1', '']) {
    expect(keyOctetsFit('age', utf8(text))).toBe(false)
  }
})

it('agrees with another bech32 about identities, also of the post-quantum kind', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constantFrom('', 'pq-'), (seed, kind) => {
      const line = bech32.encode(`age-secret-key-${kind}`, bech32.toWords(seed), false).toUpperCase()
      expect(keyOctetsFit('age', utf8(line))).toBe(true)
    }),
  )
  expect(bech32.encode('age-secret-key-', bech32.toWords(new Uint8Array(32).fill(0x42)), false).toUpperCase()).toBe(AGE)
})

it('takes one PKCS#8 in DER and nothing after it', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const ed = generateKeyPairSync('ed25519').privateKey
  for (const key of [ec, ed]) {
    const der = new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }))
    expect(keyOctetsFit('private', der)).toBe(true)
    expect(keyOctetsFit('private', concatOctets(der, new Uint8Array(1)))).toBe(false)
    expect(keyOctetsFit('private', der.subarray(0, -1))).toBe(false)
    const spki = new Uint8Array(64)
    expect(keyOctetsFit('private', spki)).toBe(false)
  }
  const sec1 = new Uint8Array(ec.export({ format: 'der', type: 'sec1' }))
  expect(keyOctetsFit('private', sec1)).toBe(false)
})

it('tells points on P-256 from others', () => {
  const jwk = exampleSigner('luis root').jwk
  if (jwk.kty !== 'EC') throw new Error('the example keys are EC')
  const [x, y] = [fromBase64url(jwk.x), fromBase64url(jwk.y)]
  expect(isOnP256(x, y)).toBe(true)
  expect(isOnP256(y, x)).toBe(false)
  expect(isOnP256(new Uint8Array(32), new Uint8Array(32))).toBe(false)
  expect(isOnP256(new Uint8Array(32).fill(255), y)).toBe(false)
  expect(transportKeyIsValid({ kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.y } as { kty: string })).toBe(true)
  expect(transportKeyIsValid({ kty: 'EC', crv: 'P-256', x: jwk.y, y: jwk.x } as { kty: string })).toBe(false)
  expect(transportKeyIsValid({ kty: 'OKP' })).toBe(false)
})

it('takes RSA moduli of 2048 to 4096 bits', () => {
  const modulus = (octets: number, first: number) => {
    const n = new Uint8Array(octets).fill(1)
    n[0] = first
    return toBase64url(n)
  }
  expect(isSoundRsa(modulus(256, 0x80), 'AQAB')).toBe(true)
  expect(isSoundRsa(modulus(512, 0xff), 'AQAB')).toBe(true)
  expect(isSoundRsa(modulus(256, 0x7f), 'AQAB')).toBe(false)
  expect(isSoundRsa(modulus(513, 1), 'AQAB')).toBe(false)
  expect(isSoundRsa(modulus(257, 0), 'AQAB')).toBe(false)
  expect(isSoundRsa(modulus(256, 0x80), 'Aw')).toBe(false)
})

it('refuses Ed25519 keys of small order, in each of their spellings', () => {
  const small = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ]
  for (const hex of small) {
    const key = Uint8Array.fromHex(hex)
    expect(isSoundEd25519(key)).toBe(false)
    key[31] = (key[31] as number) | 0x80
    expect(isSoundEd25519(key)).toBe(false)
  }
  expect(isSoundEd25519(Uint8Array.fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))).toBe(
    true,
  )
})
