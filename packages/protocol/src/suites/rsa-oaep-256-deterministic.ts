import { sha256 } from '#platform'
import { concatOctets, fromBase64url } from '../json/base64url.ts'
import { fromHex, toHex } from '../json/hex.ts'
import { modulusOctets, rsaOaep256 } from './rsa-oaep-256.ts'
import type { BlobSuite } from './suite.ts'

const HASH_OCTETS = 32
const PUBLIC_EXPONENT_SQUARINGS = 16

/**
 * FOR TEST VECTORS ONLY, and not exported from the package: `RSA-OAEP-256` whose every wrap uses this seed of 32 octets, by the steps of
 * RFC 8017, Section 7.1.1. Two wraps then show whether they hold the same key.
 */
export function rsaOaep256WithFixedSeed(seed: Uint8Array): BlobSuite {
  return {
    ...rsaOaep256,
    async wrap(recipient, keyOctets) {
      if (recipient.kty !== 'RSA') throw new RangeError('an RSA key is needed')
      const k = modulusOctets(recipient)
      const fill = new Uint8Array(k - keyOctets.length - 2 * HASH_OCTETS - 2)
      const block = concatOctets(sha256(new Uint8Array(0)), fill, Uint8Array.of(1), keyOctets)
      const maskedBlock = xor(block, mgf1(seed, block.length))
      const maskedSeed = xor(seed, mgf1(maskedBlock, HASH_OCTETS))
      return encrypt(concatOctets(Uint8Array.of(0), maskedSeed, maskedBlock), fromBase64url(recipient.n))
    },
  }
}

/** RFC 8017, Appendix B.2.1, with SHA-256. */
function mgf1(seed: Uint8Array, octets: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(octets / HASH_OCTETS) }, (_, counter) =>
    sha256(concatOctets(seed, Uint8Array.of(0, 0, counter >> 8, counter & 0xff))),
  )
  return concatOctets(...blocks).subarray(0, octets)
}

/** RSAEP with e = 65537. */
function encrypt(message: Uint8Array, modulus: Uint8Array): Uint8Array {
  const [m, n] = [BigInt(`0x${toHex(message)}`), BigInt(`0x${toHex(modulus)}`)]
  let power = m
  for (let i = 0; i < PUBLIC_EXPONENT_SQUARINGS; i++) power = (power * power) % n
  return fromHex(((power * m) % n).toString(16).padStart(modulus.length * 2, '0'))
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((octet, i) => octet ^ (b[i] ?? 0))
}
