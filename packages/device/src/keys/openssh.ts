import { type KeyObject, randomBytes } from 'node:crypto'
import { DeviceError, type DeviceErrorCode } from '../errors.ts'
import { readArmour, writeArmour } from './armour.ts'
import { equal, join, uint32 } from './octets.ts'
import { openFields, requireKnownCipher } from './openssh-cipher.ts'
import { sshPrivateFields, sshPrivateKey } from './openssh-fields.ts'
import { readPkcs8 } from './private-key.ts'
import { sshPublicKey } from './ssh-public.ts'
import { SshReader, sshString, sshText } from './ssh-wire.ts'

/** The format of OpenSSH's PROTOCOL.key: magic, cipher, KDF, public key, then private fields in blocks of 8 octets. */
export const OPENSSH_LABEL = 'OPENSSH PRIVATE KEY'
const MAGIC = new TextEncoder().encode('openssh-key-v1\0')
const BLOCK = 8
/** Of the ciphers; those without one count as 8. */
const CIPHER_BLOCK = 16

export interface OpenSshKey {
  readonly key: KeyObject
  /** For people, not authenticated by anything. */
  readonly comment: string
}

/**
 * Reads an OpenSSH key file (Ed25519, ECDSA, RSA) and proves that its two halves belong together.
 *
 * @throws {DeviceError} `key-encrypted` without a passphrase where one is needed; `passphrase-wrong`; `key-kind-unsupported` for keys that live in a token (`sk-`) and older kinds;
 * `key-format-unknown`.
 */
export function readOpenSsh(file: Uint8Array, passphrase: Uint8Array | null = null): OpenSshKey {
  const octets = readArmour(file, OPENSSH_LABEL)
  if (octets === null) throw new DeviceError('key-format-unknown')
  try {
    return readContainer(octets, passphrase)
  } catch (error) {
    if (error instanceof DeviceError) throw error
    throw new DeviceError('key-format-unknown')
  } finally {
    octets.fill(0)
  }
}

/** Whether it needs a passphrase; false for what is no OpenSSH file. */
export function isEncryptedOpenSsh(file: Uint8Array): boolean {
  const octets = readArmour(file, OPENSSH_LABEL)
  if (octets === null) return false
  try {
    const outer = new SshReader(octets)
    return equal(outer.take(MAGIC.length), MAGIC) && outer.text() !== 'none'
  } catch {
    return false
  } finally {
    octets.fill(0)
  }
}

function readContainer(octets: Uint8Array, passphrase: Uint8Array | null): OpenSshKey {
  const outer = new SshReader(octets)
  if (!equal(outer.take(MAGIC.length), MAGIC)) throw new RangeError('another magic')
  const cipher = outer.text()
  const kdf = outer.text()
  const kdfOptions = outer.string()
  const isPlain = cipher === 'none'
  if (!isPlain) requireKnownCipher(cipher, kdf)
  if ((isPlain && (kdf !== 'none' || kdfOptions.length !== 0)) || outer.uint32() !== 1) {
    throw new RangeError('not one key')
  }
  const publicBlob = outer.string()
  const sealed = outer.string()
  outer.end()
  if (isPlain) return readFields(new SshReader(sealed), publicBlob, BLOCK, 'key-format-unknown')
  const fields = openFields({ cipher, kdfOptions, sealed }, passphrase)
  try {
    return readFields(new SshReader(fields), publicBlob, CIPHER_BLOCK, 'passphrase-wrong')
  } finally {
    fields.fill(0)
  }
}

/** @param unlike - what it means when the two check numbers differ. */
function readFields(inner: SshReader, publicBlob: Uint8Array, block: number, unlike: DeviceErrorCode): OpenSshKey {
  const check = inner.left % block === 0 ? inner.uint32() : null
  if (check === null) throw new RangeError('not in blocks')
  if (inner.uint32() !== check) throw new DeviceError(unlike)
  const key = sshPrivateKey(inner)
  const comment = inner.text()
  for (let pad = 1; inner.left > 0; pad++) if (pad >= block || inner.octet() !== pad) throw new RangeError('padding')
  const half = sshPublicKey(key)
  if (half === null || !equal(half.blob, publicBlob)) throw new RangeError('halves of two keys')
  return { key, comment }
}

/**
 * Writes a PKCS#8 key as `ssh-keygen` would; the caller erases the result. `null` for kinds that SSH does not know.
 * @param comment - one line for people; becomes part of the file.
 */
export function writeOpenSsh(pkcs8: Uint8Array, comment: string): Uint8Array | null {
  const key = readPkcs8(pkcs8)
  const half = sshPublicKey(key)
  const fields = half === null ? null : sshPrivateFields(key)
  if (half === null || fields === null) return null
  const check = randomBytes(4)
  const plain = join(check, check, fields, sshText(comment))
  const padding = Uint8Array.from({ length: (BLOCK - (plain.length % BLOCK)) % BLOCK }, (_, i) => i + 1)
  const inner = join(plain, padding)
  const secret = sshString(inner)
  const all = join(MAGIC, sshText('none'), sshText('none'), uint32(0), uint32(1), sshString(half.blob), secret)
  try {
    return writeArmour(all, OPENSSH_LABEL, 70)
  } finally {
    for (const part of [fields, plain, inner, secret, all]) part.fill(0)
  }
}
