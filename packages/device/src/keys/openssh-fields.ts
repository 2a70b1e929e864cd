import { createPrivateKey, type KeyObject } from 'node:crypto'
import { DeviceError } from '../errors.ts'
import { DerReader, der, derInteger, TAG } from './der.ts'
import { equal, fromBigInt, join, padded, toBigInt } from './octets.ts'
import { writePkcs8 } from './private-key.ts'
import { SSH_CURVES, type SshCurve, sshPublicKey } from './ssh-public.ts'
import { type SshReader, sshNumber, sshString } from './ssh-wire.ts'

/**
 * The fields of a private key in OpenSSH's format, kind by kind (OpenSSH PROTOCOL.key and sshkey.c).
 * @throws {DeviceError} `key-kind-unsupported`; RangeErrors for what does not fit the format.
 */
export function sshPrivateKey(fields: SshReader): KeyObject {
  const algorithm = fields.text()
  if (algorithm === 'ssh-ed25519') return ed25519Key(fields)
  if (algorithm === 'ssh-rsa') return rsaKey(fields)
  for (const curve of CURVES) if (algorithm === `ecdsa-sha2-${SSH_CURVES[curve].ssh}`) return ecdsaKey(fields, curve)
  throw new DeviceError(
    'key-kind-unsupported',
    'a key that lives in a token stays there: make a new one for the other device',
  )
}

/** The same fields, algorithm first, from a key; `null` for kinds that SSH does not know. The caller erases the result. */
export function sshPrivateFields(key: KeyObject): Uint8Array | null {
  const half = sshPublicKey(key)
  if (half === null) return null
  if (key.asymmetricKeyType === 'ed25519') return ed25519Fields(key, half.blob)
  if (key.asymmetricKeyType === 'rsa') return rsaFields(key)
  return ecdsaFields(key, half.blob)
}

const CURVES: readonly SshCurve[] = ['P-256', 'P-384', 'P-521']
const VERSION_0 = derInteger(new Uint8Array([0]))
const VERSION_1 = derInteger(new Uint8Array([1]))
/** AlgorithmIdentifier of RFC 8410: 1.3.101.112. */
const ED25519 = der(TAG.sequence, der(TAG.oid, new Uint8Array([0x2b, 0x65, 0x70])))
/** Named curves of RFC 5480. */
const CURVE_OIDS: Record<SshCurve, Uint8Array> = {
  'P-256': new Uint8Array([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
  'P-384': new Uint8Array([0x2b, 0x81, 0x04, 0x00, 0x22]),
  'P-521': new Uint8Array([0x2b, 0x81, 0x04, 0x00, 0x23]),
}

/** Public key, then seed and public key in a row. */
function ed25519Key(fields: SshReader): KeyObject {
  const point = fields.string()
  const secret = fields.string()
  if (secret.length !== 64 || !equal(secret.subarray(32), point)) throw new RangeError('public halves differ')
  const seed = der(TAG.octetString, secret.subarray(0, 32))
  const wrapped = der(TAG.octetString, seed)
  return erasing([seed, wrapped], () => keyOf(point, 'pkcs8', der(TAG.sequence, VERSION_0, ED25519, wrapped)))
}

function ed25519Fields(key: KeyObject, publicBlob: Uint8Array): Uint8Array {
  const pkcs8 = writePkcs8(key)
  const outer = new DerReader(pkcs8).inner(TAG.sequence)
  outer.value(TAG.integer)
  outer.value(TAG.sequence)
  const seed = outer.inner(TAG.octetString).value(TAG.octetString)
  const both = join(seed, publicBlob.subarray(-32))
  const secret = sshString(both)
  return erasing([pkcs8, both, secret], () => join(publicBlob, secret))
}

/**
 * Curve name, point, scalar. Once without the point, so that OpenSSL computes it and it can be compared; then with it,
 * because OpenSSL writes a key without its point if it was read without.
 */
function ecdsaKey(fields: SshReader, curve: SshCurve): KeyObject {
  if (fields.text() !== SSH_CURVES[curve].ssh) throw new RangeError('another curve')
  const point = fields.string()
  const digits = padded(fields.number(), SSH_CURVES[curve].width)
  const scalar = der(TAG.octetString, digits)
  const named = der(TAG.context0, der(TAG.oid, CURVE_OIDS[curve]))
  const half = der(TAG.context1, der(TAG.bitString, new Uint8Array([0]), point))
  return erasing([digits, scalar], () => {
    keyOf(point, 'sec1', der(TAG.sequence, VERSION_1, scalar, named))
    return keyFrom('sec1', der(TAG.sequence, VERSION_1, scalar, named, half))
  })
}

function ecdsaFields(key: KeyObject, publicBlob: Uint8Array): Uint8Array {
  const sec1 = key.export({ format: 'der', type: 'sec1' })
  const outer = new DerReader(sec1).inner(TAG.sequence)
  outer.value(TAG.integer)
  const scalar = sshNumber(outer.value(TAG.octetString))
  return erasing([sec1, scalar], () => join(publicBlob, scalar))
}

/** n, e, d, iqmp, p, q. The two CRT exponents are not stored: d mod p-1, d mod q-1 (RFC 8017, Section 3.2). */
function rsaKey(fields: SshReader): KeyObject {
  const [n, e, d, inverse, p, q] = Array.from({ length: 6 }, () => fields.number()) as [
    Octets,
    Octets,
    Octets,
    Octets,
    Octets,
    Octets,
  ]
  const [bigD, bigP, bigQ] = [toBigInt(d), toBigInt(p), toBigInt(q)]
  if (bigP < 3n || bigQ < 3n || bigP * bigQ !== toBigInt(n)) throw new RangeError('primes of another modulus')
  if ((bigD * toBigInt(e)) % (bigP - 1n) !== 1n || (bigD * toBigInt(e)) % (bigQ - 1n) !== 1n)
    throw new RangeError('exponents')
  if ((toBigInt(inverse) * bigQ) % bigP !== 1n) throw new RangeError('coefficient')
  const exponents = [fromBigInt(bigD % (bigP - 1n)), fromBigInt(bigD % (bigQ - 1n))]
  const numbers = [n, e, d, p, q, ...exponents, inverse].map(derInteger)
  return erasing([...exponents, ...numbers], () => keyFrom('pkcs1', der(TAG.sequence, VERSION_0, ...numbers)))
}

function rsaFields(key: KeyObject): Uint8Array {
  const pkcs1 = key.export({ format: 'der', type: 'pkcs1' })
  const outer = new DerReader(pkcs1).inner(TAG.sequence)
  const [, n, e, d, p, q, , , inverse] = Array.from({ length: 9 }, () => outer.value(TAG.integer)) as Octets[]
  const parts = [n, e, d, inverse, p, q].map((number) => sshNumber(number ?? new Uint8Array()))
  return erasing([pkcs1, ...parts], () => join(sshString(new TextEncoder().encode('ssh-rsa')), ...parts))
}

type Octets = Uint8Array

/** The key, if its public half ends with `point` as the file says. */
function keyOf(point: Uint8Array, type: 'pkcs8' | 'sec1', octets: Uint8Array): KeyObject {
  const key = keyFrom(type, octets)
  const blob = sshPublicKey(key)?.blob
  if (blob === undefined || !equal(blob.subarray(-point.length), point)) throw new RangeError('halves of two keys')
  return key
}

function keyFrom(type: 'pkcs8' | 'pkcs1' | 'sec1', octets: Uint8Array): KeyObject {
  return erasing([octets], () =>
    createPrivateKey({ key: Buffer.from(octets.buffer, octets.byteOffset, octets.length), format: 'der', type }),
  )
}

function erasing<T>(secrets: readonly Uint8Array[], action: () => T): T {
  try {
    return action()
  } finally {
    for (const secret of secrets) secret.fill(0)
  }
}
