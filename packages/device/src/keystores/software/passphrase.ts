import { argon2, createSecretKey, type KeyObject, randomBytes, scrypt } from 'node:crypto'
import { fromBase64url, toBase64url } from '@keyferry/protocol'
import * as z from 'zod'

/** How a key is derived from a passphrase; written beside what it protects. Not part of the protocol: it never leaves the device. */
export type PassphraseKdf =
  /** RFC 9106; `memory` in KiB. */
  | { kdf: 'argon2id'; memory: number; passes: number; parallelism: number; salt: string }
  /** RFC 7914, where the platform has no Argon2 (OpenSSL before 3.2). */
  | { kdf: 'scrypt'; n: number; r: number; p: number; salt: string }

const SALT_OCTETS = 16
const KEY_OCTETS = 32
const MIB = 1024 * 1024
/** Whoever writes the file could otherwise make opening it take for ever. */
const MAX_MEMORY_OCTETS = 1024 * MIB

const count = (max: number): z.ZodType<number> => z.int().min(1).max(max)
const Salt = z.string().regex(/^[A-Za-z0-9_-]{22}$/)
export const PassphraseKdfShape: z.ZodType<PassphraseKdf> = z
  .discriminatedUnion('kdf', [
    z.strictObject({
      kdf: z.literal('argon2id'),
      memory: count(MAX_MEMORY_OCTETS / 1024),
      passes: count(64),
      parallelism: count(16),
      salt: Salt,
    }),
    z.strictObject({ kdf: z.literal('scrypt'), n: count(2 ** 20), r: count(32), p: count(16), salt: Salt }),
  ])
  .refine((kdf) => kdf.kdf === 'argon2id' || 128 * kdf.n * kdf.r <= MAX_MEMORY_OCTETS)

/** The second recommended option of RFC 9106, Section 4: 64 MiB, 3 passes, 4 lanes; scrypt with as much memory. */
export function freshPassphraseKdf(): PassphraseKdf {
  const salt = toBase64url(randomBytes(SALT_OCTETS))
  if (typeof argon2 !== 'function') return { kdf: 'scrypt', n: 2 ** 16, r: 8, p: 1, salt }
  return { kdf: 'argon2id', memory: 65_536, passes: 3, parallelism: 4, salt }
}

/** @param passphrase - UTF-8, NFC; the caller erases it. */
export async function keyOfPassphrase(kdf: PassphraseKdf, passphrase: Uint8Array): Promise<KeyObject> {
  const salt = fromBase64url(kdf.salt)
  const octets = await new Promise<Buffer>((resolve, reject) => {
    const done = (error: Error | null, key: Buffer): void => (error === null ? resolve(key) : reject(error))
    if (kdf.kdf === 'scrypt') {
      const { n, r, p } = kdf
      scrypt(passphrase, salt, KEY_OCTETS, { N: n, r, p, maxmem: 2 * MAX_MEMORY_OCTETS }, done)
    } else {
      const { memory, passes, parallelism } = kdf
      argon2('argon2id', { message: passphrase, nonce: salt, memory, passes, parallelism, tagLength: KEY_OCTETS }, done)
    }
  })
  try {
    return createSecretKey(octets)
  } finally {
    octets.fill(0)
  }
}
