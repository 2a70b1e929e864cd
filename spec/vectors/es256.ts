import { createECDH, createHash, createHmac } from 'node:crypto'

/**
 * ES256 with the nonce of RFC 6979, so that the vectors come out the same each time. FOR VECTORS ONLY: its arithmetic takes a
 * time that depends on the key.
 */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

export function signEs256(scalar: Uint8Array, octets: Uint8Array): Uint8Array {
  const digest = new Uint8Array(createHash('sha256').update(octets).digest())
  const [d, z] = [toNumber(scalar), toNumber(digest)]
  for (const k of nonces(scalar, toOctets(z % N))) {
    const r = toNumber(publicPoint(toOctets(k)).subarray(1, 33)) % N
    const s = (inverse(k) * (z + r * d)) % N
    if (r !== 0n && s !== 0n) return Uint8Array.from([...toOctets(r), ...toOctets(s)])
  }
  throw new Error('no nonce fits')
}

/** The public key of a scalar, uncompressed: 65 octets. */
export function publicPoint(scalar: Uint8Array): Uint8Array {
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  return new Uint8Array(ecdh.getPublicKey())
}

/** RFC 6979, Section 3.2, with HMAC-SHA-256. */
function* nonces(scalar: Uint8Array, digest: Uint8Array): Generator<bigint> {
  let [key, value] = [new Uint8Array(32), new Uint8Array(32).fill(1)]
  for (const separator of [0, 1]) {
    key = hmac(key, value, Uint8Array.of(separator), scalar, digest)
    value = hmac(key, value)
  }
  for (;;) {
    value = hmac(key, value)
    const k = toNumber(value)
    if (k > 0n && k < N) yield k
    key = hmac(key, value, Uint8Array.of(0))
    value = hmac(key, value)
  }
}

function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return new Uint8Array(mac.digest())
}

/** By Fermat. */
function inverse(number: bigint): bigint {
  let [result, base] = [1n, number % N]
  for (let exponent = N - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * base) % N
    base = (base * base) % N
  }
  return result
}

function toNumber(octets: Uint8Array): bigint {
  return BigInt(`0x${octets.toHex()}`)
}

function toOctets(number: bigint): Uint8Array {
  return Uint8Array.fromHex(number.toString(16).padStart(64, '0'))
}

const sample = signEs256(
  Uint8Array.fromHex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721'),
  new TextEncoder().encode('sample'),
).toHex()
if (
  sample !==
  'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
    'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8'
) {
  throw new Error('not as RFC 6979, A.2.5')
}
