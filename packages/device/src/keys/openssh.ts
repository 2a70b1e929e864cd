import { type KeyObject, randomBytes } from 'node:crypto'
import { DeviceError } from '../errors.ts'
import { readArmour, writeArmour } from './armour.ts'
import { equal, join, uint32 } from './octets.ts'
import { sshPrivateFields, sshPrivateKey } from './openssh-fields.ts'
import { readPkcs8 } from './private-key.ts'
import { sshPublicKey } from './ssh-public.ts'
import { SshReader, sshString, sshText } from './ssh-wire.ts'

/** The format of OpenSSH's PROTOCOL.key: magic, cipher, KDF, public key, then private fields in blocks of 8 octets. */
export const OPENSSH_LABEL = 'OPENSSH PRIVATE KEY'
const MAGIC = new TextEncoder().encode('openssh-key-v1\0')
const BLOCK = 8

export interface OpenSshKey {
  readonly key: KeyObject
  /** For people, not authenticated by anything. */
  readonly comment: string
}

/**
 * Reads an unencrypted OpenSSH key file (Ed25519, ECDSA, RSA) and proves that its two halves belong together.
 *
 * @throws {DeviceError} `key-encrypted`; `key-kind-unsupported` for keys that live in a token (`sk-`) and older kinds;
 * `key-format-unknown`.
 */
export function readOpenSsh(file: Uint8Array): OpenSshKey {
  const octets = readArmour(file, OPENSSH_LABEL)
  if (octets === null) throw new DeviceError('key-format-unknown')
  try {
    return readContainer(octets)
  } catch (error) {
    if (error instanceof DeviceError) throw error
    throw new DeviceError('key-format-unknown')
  } finally {
    octets.fill(0)
  }
}

function readContainer(octets: Uint8Array): OpenSshKey {
  const outer = new SshReader(octets)
  if (!equal(outer.take(MAGIC.length), MAGIC)) throw new RangeError('another magic')
  const cipher = outer.text()
  const kdf = outer.text()
  const kdfOptions = outer.string()
  if (cipher !== 'none') {
    throw new DeviceError(
      'key-encrypted',
      'take the passphrase off a copy: cp FILE COPY && ssh-keygen -p -f COPY, add the copy, delete it',
    )
  }
  if (kdf !== 'none' || kdfOptions.length !== 0 || outer.uint32() !== 1) throw new RangeError('not one plain key')
  const publicBlob = outer.string()
  const inner = new SshReader(outer.string())
  outer.end()
  const check = inner.left % BLOCK === 0 ? inner.uint32() : null
  if (check === null || inner.uint32() !== check) throw new RangeError('not in blocks')
  const key = sshPrivateKey(inner)
  const comment = inner.text()
  for (let pad = 1; inner.left > 0; pad++) if (pad >= BLOCK || inner.octet() !== pad) throw new RangeError('padding')
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
