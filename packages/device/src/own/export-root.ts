import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto'
import { fromBase64url, toBase64url } from '@keyferry/protocol'
import { DeviceError } from '../errors.ts'
import { readEncryptedPem, writeEncryptedPem } from '../keys/encrypted-pkcs8.ts'
import { readPkcs8, writePkcs8 } from '../keys/private-key.ts'
import type { OpenDevice } from '../open-device.ts'
import { rootOf } from './next-set.ts'
import { readPaper, writePaper } from './root-paper.ts'

type RootHolder = Pick<OpenDevice, 'device' | 'store'>

/**
 * The current root key as encrypted PEM (PKCS#8, scrypt, AES-256-CBC). Whoever has it and the passphrase speaks for the user.
 * @param passphrase - UTF-8, NFC; the caller erases it.
 * @throws {DeviceError} `root-elsewhere`
 */
export async function exportRootPem(open: RootHolder, passphrase: Uint8Array): Promise<Uint8Array> {
  const pkcs8 = open.device.exportRootKey(rootOf(open).id)
  try {
    return await writeEncryptedPem(pkcs8, passphrase)
  } finally {
    pkcs8.fill(0)
  }
}

/**
 * The current root key as four lines for paper, without a passphrase.
 * @throws {DeviceError} `root-elsewhere`
 */
export function exportRootPaper(open: RootHolder): string[] {
  const pkcs8 = open.device.exportRootKey(rootOf(open).id)
  try {
    const { d = '' } = readPkcs8(pkcs8).export({ format: 'jwk' })
    const scalar = fromBase64url(d)
    try {
      return writePaper(scalar)
    } finally {
      scalar.fill(0)
    }
  } finally {
    pkcs8.fill(0)
  }
}

/**
 * Reads what `exportRootPem` wrote.
 * @returns PKCS#8 DER that the caller erases.
 * @throws {DeviceError} `key-format-unknown`, `passphrase-wrong`
 */
export function readRootPem(pem: Uint8Array, passphrase: Uint8Array): Uint8Array {
  return readEncryptedPem(pem, passphrase)
}

/**
 * Reads what `exportRootPaper` wrote.
 * @returns PKCS#8 DER that the caller erases.
 * @throws {DeviceError} `key-format-unknown`
 */
export function readRootPaper(lines: readonly string[]): Uint8Array {
  const scalar = readPaper(lines)
  try {
    return writePkcs8(keyOfScalar(scalar))
  } catch (cause) {
    throw new DeviceError('key-format-unknown', 'the four lines are no private key', { cause })
  } finally {
    scalar.fill(0)
  }
}

function keyOfScalar(scalar: Uint8Array): KeyObject {
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(scalar)
  const point = curve.getPublicKey()
  const [x, y] = [toBase64url(point.subarray(1, 33)), toBase64url(point.subarray(33))]
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d: toBase64url(scalar), x, y }, format: 'jwk' })
}
