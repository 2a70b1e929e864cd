import { createCipheriv, createPrivateKey, randomBytes, scrypt } from 'node:crypto'
import { DeviceError } from '../errors.ts'
import { readArmour, writeArmour } from './armour.ts'
import { der, derInteger, TAG } from './der.ts'

const LABEL = 'ENCRYPTED PRIVATE KEY'
/** RFC 8018 PBES2 with scrypt (RFC 7914, Section 7) and AES-256-CBC: what OpenSSL reads, and costs a guesser 16 MiB and some. */
const PBES2 = '2a864886f70d01050d'
const SCRYPT = '2b06010401da47040b'
const AES_256_CBC = '60864801650304012a'
const [N, R, P] = [16_384, 8, 5]
const SALT_OCTETS = 16
const IV_OCTETS = 16
const KEY_OCTETS = 32

/**
 * A private key under a passphrase, as PEM that `openssl pkey -in FILE` opens.
 * @param pkcs8 - DER; the caller erases it.
 * @param passphrase - UTF-8, NFC; the caller erases it.
 */
export async function writeEncryptedPem(pkcs8: Uint8Array, passphrase: Uint8Array): Promise<Uint8Array> {
  const salt = randomBytes(SALT_OCTETS)
  const iv = randomBytes(IV_OCTETS)
  const key = await derive(passphrase, salt)
  try {
    const cipher = createCipheriv('aes-256-cbc', key, iv)
    const sealed = Buffer.concat([cipher.update(pkcs8), cipher.final()])
    const kdf = der(TAG.sequence, oid(SCRYPT), der(TAG.sequence, octets(salt), integer(N), integer(R), integer(P)))
    const encryption = der(TAG.sequence, oid(AES_256_CBC), octets(iv))
    const algorithm = der(TAG.sequence, oid(PBES2), der(TAG.sequence, kdf, encryption))
    return writeArmour(der(TAG.sequence, algorithm, octets(sealed)), LABEL, 64)
  } finally {
    key.fill(0)
  }
}

/**
 * @returns PKCS#8 DER in a fresh buffer that the caller erases.
 * @throws {DeviceError} `key-format-unknown`, `passphrase-wrong`
 */
export function readEncryptedPem(pem: Uint8Array, passphrase: Uint8Array): Uint8Array {
  const sealed = readArmour(pem, LABEL)
  if (sealed === null) throw new DeviceError('key-format-unknown', 'this is no encrypted private key in PEM')
  try {
    const options = { format: 'der', type: 'pkcs8', passphrase: Buffer.from(passphrase) } as const
    const pkcs8 = createPrivateKey({ key: Buffer.from(sealed), ...options }).export({ format: 'der', type: 'pkcs8' })
    return new Uint8Array(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length)
  } catch {
    throw new DeviceError('passphrase-wrong')
  }
}

function derive(passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N, r: R, p: P, maxmem: 64 * 1024 * 1024 }
    scrypt(passphrase, salt, KEY_OCTETS, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

function oid(hex: string): Uint8Array {
  return der(TAG.oid, Buffer.from(hex, 'hex'))
}

function octets(value: Uint8Array): Uint8Array {
  return der(TAG.octetString, value)
}

function integer(value: number): Uint8Array {
  return derInteger(value < 256 ? Uint8Array.of(value) : Uint8Array.of(value >> 8, value & 255))
}
