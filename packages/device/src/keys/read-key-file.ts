import type { KeyObject } from 'node:crypto'
import type { KeyType } from '@keyferry/protocol'
import { DeviceError } from '../errors.ts'
import { isAgeFile, isEncryptedByAge, readAgeFile } from './age-file.ts'
import { armourLabel } from './armour.ts'
import { isEncryptedOpenSsh, OPENSSH_LABEL, readOpenSsh } from './openssh.ts'
import { isEncryptedPem, isPemLabel, readPem, readPkcs8, writePkcs8 } from './private-key.ts'

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
  /** For encrypted files of PEM and OpenSSH. */
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

/** Whether a passphrase opens it here. */
export function isEncryptedKeyFile(file: Uint8Array): boolean {
  return isEncryptedOpenSsh(file) || (keyFileForm(file) === 'pem' && isEncryptedPem(file))
}

/**
 * Reads a key that somebody wants to hand over.
 *
 * @throws {DeviceError} `key-encrypted`, `passphrase-wrong`, `key-is-public`, `key-kind-unsupported`; `key-format-unknown` if the file is
 * damaged, is not of the type its owner says, or has no form and its owner says no type.
 */
export function readKeyFile(file: Uint8Array, hints: KeyFileHints = {}): KeyFile {
  if (file.length === 0 || file.length > MAX_KEY_FILE_OCTETS) {
    throw new DeviceError('key-format-unknown', `a key file has 1 to ${MAX_KEY_FILE_OCTETS} octets`)
  }
  if (isPublic(file)) throw new DeviceError('key-is-public', 'name the private key: of SSH the file without .pub')
  if (isEncryptedByAge(file)) throw new DeviceError('key-encrypted', 'decrypt it first: age -d -o COPY FILE')
  const form = keyFileForm(file)
  const { type } = hints
  if (form === 'octets') {
    if (type === undefined || type === 'private' || type === 'age') {
      // A private key of a form that is not read here is not to be kept as a mere secret.
      throw new DeviceError('key-format-unknown', adviceFor(file))
    }
    return { form, type, octets: file.slice(), comment: '' }
  }
  const own = form === 'age' ? 'age' : 'private'
  // A known form under another type is more likely a slip than a wish: a whole PEM file as `secret`, its passphrase unasked.
  if (type !== undefined && type !== own) throw new DeviceError('key-format-unknown', `it looks like type ${own}`)
  if (form === 'age') return { form, type: own, octets: readAgeFile(file), comment: '' }
  const { key, comment } =
    form === 'openssh'
      ? readOpenSsh(file, hints.passphrase ?? null)
      : { key: readPrivate(file, form, hints), comment: '' }
  return { form, type: own, octets: writePkcs8(key), comment }
}

function adviceFor(file: Uint8Array): string | null {
  if (isPkcs12(file))
    return 'take the key out of the PKCS#12 file first: openssl pkcs12 -in FILE -nocerts -nodes | keyferry key add - --label NAME'
  return armourLabel(file)?.includes('PRIVATE KEY') ? null : 'say what it is: --type aes, hmac or secret'
}

/** RFC 7292: a sequence that begins with version 3. PKCS#8 has 0 or 1 there. */
function isPkcs12(file: Uint8Array): boolean {
  const [tag, length = 0] = file
  const at = length < 0x80 ? 2 : 2 + (length & 0x7f)
  return tag === 0x30 && file[at] === 2 && file[at + 1] === 1 && file[at + 2] === 3
}

/** Public keys of SSH, PEM and age, and certificates. */
function isPublic(file: Uint8Array): boolean {
  const label = armourLabel(file)
  if (label !== null) return / ?PUBLIC KEY$|CERTIFICATE/.test(label)
  const head = new TextDecoder('latin1').decode(file.subarray(0, 60)).trimStart()
  return /^(?:(?:ssh-[a-z0-9]+|ecdsa-sha2-[a-z0-9]+|sk-[a-z0-9@.-]+) AAAA|---- BEGIN SSH2 PUBLIC KEY|age1[0-9a-z]{50})/.test(
    head,
  )
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
