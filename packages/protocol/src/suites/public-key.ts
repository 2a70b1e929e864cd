import { fromBase64url } from '../json/base64url.ts'
import { toHex } from '../json/hex.ts'
import { TransportJwkShape } from '../json/shapes.ts'

/** Validity of public keys beyond their form (PROTOCOL 1): pure arithmetic, for where the platform does not look. */

const P256 = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
const P25519 = 2n ** 255n - 19n
/** y of the points of order 8 on edwards25519; those of order 1, 2 and 4 have y = 1, -1, 0. */
const ORDER_8_Y = [
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]

/** Whether the point lies on P-256; it has no points of small order, and infinity has no coordinates. */
export function isOnP256(x: Uint8Array, y: Uint8Array): boolean {
  const [u, v] = [toNumber(x), toNumber(y)]
  if (u >= P256 || v >= P256) return false
  return (v * v - (u * u * u - 3n * u + P256_B)) % P256 === 0n
}

/** RSA: 2048..4096 bits, odd, written without leading zero octets, e = 65537. */
export function isSoundRsa(n: string, e: string): boolean {
  const modulus = fromBase64url(n)
  const first = modulus[0] ?? 0
  const bits = modulus.length * 8 - (Math.clz32(first) - 24)
  const odd = ((modulus.at(-1) ?? 0) & 1) === 1
  return first !== 0 && odd && bits >= 2048 && bits <= 4096 && e === 'AQAB'
}

/** Whether an Ed25519 public key is a canonical number and not of small order. */
export function isSoundEd25519(key: Uint8Array): boolean {
  const littleEndian = Uint8Array.from(key).reverse()
  littleEndian[0] = (littleEndian[0] ?? 0) & 0x7f
  const y = toNumber(littleEndian)
  return y < P25519 && y > 1n && y !== P25519 - 1n && !ORDER_8_Y.includes(y)
}

/**
 * Whether a public transport key is valid: EC on P-256, RSA as signing keys, for `AKP` its length if the suite is known
 * (the platform checks the rest). `public-key-invalid` of S10 otherwise.
 */
export function transportKeyIsValid(jwk: { readonly kty: string }): boolean {
  const read = TransportJwkShape.safeParse(jwk)
  if (!read.success) return false
  const key = read.data
  switch (key.kty) {
    case 'EC':
      return isOnP256(fromBase64url(key.x), fromBase64url(key.y))
    case 'RSA':
      return isSoundRsa(key.n, key.e)
    case 'AKP':
      return key.alg !== 'HPKE-9' || fromBase64url(key.pub).length === HPKE_9_PUBLIC_OCTETS
  }
}

/** ML-KEM-768 (1184) and X25519 (32). */
const HPKE_9_PUBLIC_OCTETS = 1216

function toNumber(octets: Uint8Array): bigint {
  return BigInt(`0x${toHex(octets) || '0'}`)
}
