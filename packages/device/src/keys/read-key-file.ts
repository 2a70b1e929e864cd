import type { KeyObject } from 'node:crypto'
import type { KeyType } from '@keyferry/protocol'
import { DeviceError } from '../errors.ts'
import { isAgeFile, isEncryptedByAge, readAgeFile } from './age-file.ts'
import { armourLabel } from './armour.ts'
import { OPENSSH_LABEL, readOpenSsh } from './openssh.ts'
import { isPemLabel, readPem, readPkcs8, writePkcs8 } from './private-key.ts'

/** What a file is, by its own look. `octets` = none of the known forms: only its owner can say what they are. */
export type KeyFileForm = 'openssh' | 'pem' | 'pkcs8' | 'age' | 'octets'

export interface KeyFile {
  readonly form: KeyFileForm
  readonly type: KeyType
  /** Key octets (PROTOCOL 8) in a fresh buffer, to be erased by the caller. Their check by `type` is the protocol's. */
  readonly octets: Uint8Array
  /** The comment of an OpenSSH file: a first idea for a label. */
  readonly comment: string
}

export interface KeyFileHints {
  /** What its owner says the file is. Needed for octets without a form; a file of known form MUST agree with it. */
  readonly type?: KeyType
  /** For encrypted PEM files. */
  readonly passphrase?: Uint8Array
}

/** A key is at most 16 KiB (PROTOCOL 8); its file may be base64 with some text around. */
export const MAX_KEY_FILE_OCTETS = 65_536

export function keyFileForm(file: Uint8Array): KeyFileForm {
  const label = armourLabel(file)
  if (label === OPENSSH_LABEL) return 'openssh'
  if (label !== null && isPemLabel(label)) return 'pem'
  if (isAgeFile(file)) return 'age'
  return isPkcs8(file) ? 'pkcs8' : 'octets'
}

/**
 * Reads a key that somebody wants to hand over.
 *
 * @throws {DeviceError} `key-encrypted`, `passphrase-wrong`, `key-kind-unsupported`; `key-format-unknown` if the file is
 * damaged, is not of the type its owner says, or has no form and its owner says no type.
 */
export function readKeyFile(file: Uint8Array, hints: KeyFileHints = {}): KeyFile {
  if (file.length === 0 || file.length > MAX_KEY_FILE_OCTETS) throw new DeviceError('key-format-unknown')
  if (isEncryptedByAge(file)) throw new DeviceError('key-encrypted', 'decrypt it first: age -d -o COPY FILE')
  const form = keyFileForm(file)
  const { type } = hints
  if (form === 'octets') {
    if (type === undefined || type === 'private' || type === 'age') {
      throw new DeviceError('key-format-unknown', 'say what it is: --type aes, hmac or secret')
    }
    return { form, type, octets: file.slice(), comment: '' }
  }
  const own = form === 'age' ? 'age' : 'private'
  // A known form under another type is more likely a slip than a wish: a whole PEM file as `secret`, its passphrase unasked.
  if (type !== undefined && type !== own) throw new DeviceError('key-format-unknown', `it looks like type ${own}`)
  if (form === 'age') return { form, type: own, octets: readAgeFile(file), comment: '' }
  const { key, comment } = form === 'openssh' ? readOpenSsh(file) : { key: readPrivate(file, form, hints), comment: '' }
  return { form, type: own, octets: writePkcs8(key), comment }
}

function readPrivate(file: Uint8Array, form: 'pem' | 'pkcs8', { passphrase }: KeyFileHints): KeyObject {
  return form === 'pem' ? readPem(file, passphrase ?? null) : readPkcs8(file)
}

function isPkcs8(file: Uint8Array): boolean {
  // Both start with SEQUENCE; asking OpenSSL is the surest test.
  if (file[0] !== 0x30) return false
  try {
    readPkcs8(file)
    return true
  } catch {
    return false
  }
}
