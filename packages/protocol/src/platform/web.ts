import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import type { PublicSigningJwk } from '../jose/jwk.ts'
import type { Base64Alphabet } from './platform.d.ts'

export function sha256(octets: Uint8Array): Uint8Array {
  return nobleSha256(octets)
}

export function hmacSha256(key: Uint8Array, octets: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, octets)
}

const encoder = new TextEncoder()

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}

export function encodeBase64(octets: Uint8Array, alphabet: Base64Alphabet): string {
  return octets.toBase64({ alphabet, omitPadding: alphabet === 'base64url' })
}

export function decodeBase64(text: string, alphabet: Base64Alphabet): Uint8Array {
  return Uint8Array.fromBase64(text, { alphabet })
}

export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

const PARAMETERS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
} as const

const imported = new WeakMap<PublicSigningJwk, Promise<CryptoKey>>()

export async function verifySignature(
  jwk: PublicSigningJwk,
  signature: Uint8Array,
  octets: Uint8Array,
): Promise<boolean> {
  const parameters = PARAMETERS[jwk.alg]
  let key = imported.get(jwk)
  if (key === undefined) {
    key = crypto.subtle.importKey('jwk', jwk, parameters, false, ['verify'])
    imported.set(jwk, key)
  }
  try {
    return await crypto.subtle.verify(
      parameters,
      await key,
      signature as Uint8Array<ArrayBuffer>,
      octets as Uint8Array<ArrayBuffer>,
    )
  } catch {
    return false
  }
}
