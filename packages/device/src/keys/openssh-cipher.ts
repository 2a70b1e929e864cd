import { createDecipheriv } from 'node:crypto'
import { DeviceError } from '../errors.ts'
import { bcryptPbkdf } from './bcrypt-pbkdf.ts'
import { SshReader } from './ssh-wire.ts'

/** What `ssh-keygen` encrypts key files with; it takes others only where it is told to (`-Z`). */
const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyOctets: number }>> = {
  'aes128-ctr': { name: 'aes-128-ctr', keyOctets: 16 },
  'aes192-ctr': { name: 'aes-192-ctr', keyOctets: 24 },
  'aes256-ctr': { name: 'aes-256-ctr', keyOctets: 32 },
  'aes128-cbc': { name: 'aes-128-cbc', keyOctets: 16 },
  'aes192-cbc': { name: 'aes-192-cbc', keyOctets: 24 },
  'aes256-cbc': { name: 'aes-256-cbc', keyOctets: 32 },
}
const IV_OCTETS = 16
/** Its own is 24; with more than this a file would hold the device up for a minute. */
const MAX_ROUNDS = 4096

export interface SealedFields {
  readonly cipher: string
  readonly kdfOptions: Uint8Array
  readonly sealed: Uint8Array
}

/** @throws {DeviceError} `key-encrypted` with one that is not known here; what follows in such a file is not either. */
export function requireKnownCipher(cipher: string, kdf: string): void {
  if (kdf === 'bcrypt' && Object.hasOwn(CIPHERS, cipher)) return
  throw new DeviceError('key-encrypted', 'its cipher is not known here; on a copy: ssh-keygen -p -Z aes256-ctr -f COPY')
}

/**
 * The private fields of an encrypted OpenSSH file, in a fresh buffer that the caller erases: garbage under a wrong passphrase.
 * @throws {DeviceError} `key-encrypted`; RangeErrors for what does not fit the format.
 */
export function openFields({ cipher, kdfOptions, sealed }: SealedFields, passphrase: Uint8Array | null): Uint8Array {
  const found = CIPHERS[cipher]
  if (found === undefined) throw new RangeError('another cipher')
  if (passphrase === null) throw new DeviceError('key-encrypted', 'give its passphrase')
  const options = new SshReader(kdfOptions)
  const salt = options.string()
  const rounds = options.uint32()
  options.end()
  if (rounds < 1 || rounds > MAX_ROUNDS || salt.length === 0) throw new RangeError('rounds or salt')
  const both = bcryptPbkdf(passphrase, salt, rounds, found.keyOctets + IV_OCTETS)
  try {
    const decipher = createDecipheriv(found.name, both.subarray(0, found.keyOctets), both.subarray(found.keyOctets))
    decipher.setAutoPadding(false)
    return new Uint8Array(Buffer.concat([decipher.update(sealed), decipher.final()]))
  } finally {
    both.fill(0)
  }
}
