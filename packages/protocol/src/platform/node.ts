import { constants, createHmac, createPublicKey, hash, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import type { PublicSigningJwk } from '../jose/jwk.ts'
import type { Base64Alphabet } from './platform.d.ts'

const SHA256_OCTETS = 32

// Memory outside the heap costs more than the work that is done in it (a microsecond and more for each buffer), so small
// results are made without: a digest lies in the heap, a text in Node's pool.

export function sha256(octets: Uint8Array): Uint8Array {
  const text = hash('sha256', octets, 'latin1')
  const digest = new Uint8Array(SHA256_OCTETS)
  for (let i = 0; i < SHA256_OCTETS; i++) digest[i] = text.charCodeAt(i)
  return digest
}

export function encodeUtf8(text: string): Uint8Array {
  const octets = Buffer.from(text)
  return new Uint8Array(octets.buffer, octets.byteOffset, octets.length)
}

export function hmacSha256(key: Uint8Array, octets: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(octets).digest())
}

export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export function encodeBase64(octets: Uint8Array, alphabet: Base64Alphabet): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString(alphabet)
}

export function decodeBase64(text: string, alphabet: Base64Alphabet): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  // Written in place: `Buffer.from` would leave a copy in its pool, and this may be a secret.
  const octets = new Uint8Array(Math.floor(((text.length - padding) * 3) / 4))
  Buffer.from(octets.buffer).write(text, alphabet)
  return octets
}

const imported = new WeakMap<PublicSigningJwk, KeyObject | null>()

function importKey(jwk: PublicSigningJwk): KeyObject | null {
  const known = imported.get(jwk)
  if (known !== undefined) return known
  let key: KeyObject | null = null
  try {
    key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  } catch {
    // A point off the curve, a modulus that is no number: nothing verifies under it.
  }
  imported.set(jwk, key)
  return key
}

export async function verifySignature(
  jwk: PublicSigningJwk,
  signature: Uint8Array,
  octets: Uint8Array,
): Promise<boolean> {
  const key = importKey(jwk)
  if (key === null) return false
  try {
    switch (jwk.alg) {
      case 'ES256':
        return signature.length === 64 && verify('sha256', octets, { key, dsaEncoding: 'ieee-p1363' }, signature)
      case 'Ed25519':
        return verify(null, octets, key, signature)
      case 'PS256':
        return verify('sha256', octets, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature)
    }
  } catch {
    return false
  }
}
