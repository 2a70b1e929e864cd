import { createPrivateKey, type KeyObject } from 'node:crypto'
import { DeviceError } from '../errors.ts'
import { writeArmour } from './armour.ts'
import { type SshPublicKey, sshPublicKey } from './ssh-public.ts'

/**
 * Reads one PKCS#8 key in DER, the key octets of type `private` (PROTOCOL 8).
 * @throws {DeviceError} `key-format-unknown`
 */
export function readPkcs8(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der.buffer, der.byteOffset, der.length), format: 'der', type: 'pkcs8' })
  } catch {
    throw new DeviceError('key-format-unknown')
  }
}

/** The DER of a private key as Node writes it, in a buffer that the caller erases. */
export function writePkcs8(key: KeyObject): Uint8Array {
  const der = key.export({ format: 'der', type: 'pkcs8' })
  return new Uint8Array(der.buffer, der.byteOffset, der.length)
}

const SECRET_LABELS: ReadonlySet<string> = new Set([
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
])
export function isPemLabel(label: string): boolean {
  return SECRET_LABELS.has(label)
}

/**
 * Reads a private key in PEM: PKCS#8, encrypted PKCS#8, or the older forms of OpenSSL.
 * @throws {DeviceError} `key-encrypted` without a passphrase where one is needed, `passphrase-wrong`, `key-format-unknown`.
 */
export function readPem(pem: Uint8Array, passphrase: Uint8Array | null): KeyObject {
  const bytes = Buffer.from(pem.buffer, pem.byteOffset, pem.length)
  const encrypted = isEncryptedPem(pem)
  if (encrypted && passphrase === null) throw new DeviceError('key-encrypted', 'give its passphrase')
  try {
    if (!encrypted || passphrase === null) return createPrivateKey({ key: bytes, format: 'pem' })
    return createPrivateKey({ key: bytes, format: 'pem', passphrase: Buffer.from(passphrase) })
  } catch {
    // OpenSSL's own text may name what it read; and a wrong passphrase shows as any kind of garbage.
    throw new DeviceError(encrypted ? 'passphrase-wrong' : 'key-format-unknown')
  }
}

export function isEncryptedPem(pem: Uint8Array): boolean {
  const bytes = Buffer.from(pem.buffer, pem.byteOffset, pem.length)
  return bytes.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || bytes.includes('Proc-Type: 4,ENCRYPTED')
}

export function writePem(der: Uint8Array): Uint8Array {
  return writeArmour(der, 'PRIVATE KEY', 64)
}

/** What a person can compare: the SSH form of the public half, `null` for kinds that SSH does not know. */
export function publicHalf(pkcs8: Uint8Array): SshPublicKey | null {
  return sshPublicKey(readPkcs8(pkcs8))
}
