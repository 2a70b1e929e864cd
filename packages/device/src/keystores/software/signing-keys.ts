import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { type PublicSigningJwk, type Signer, thumbprint } from '@keyferry/protocol'
import { DeviceError } from '../../errors.ts'
import { readPkcs8 } from '../../keys/private-key.ts'
import type { SealedKeyStore, SealedSigningKey } from '../../store/sealed-keys.ts'
import { openSealed, seal } from './sealing.ts'

const TABLE = 'signing_key'

/** A fresh ES256 key, sealed and durable before anybody hears of it. */
export function makeSigningKey(store: SealedKeyStore, master: KeyObject, role: SealedSigningKey['role']): Signer {
  return keep(store, master, role, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
}

/**
 * One that was made elsewhere. The same again changes nothing.
 * @throws {DeviceError} `key-format-unknown` unless it is a P-256 key.
 */
export function importSigningKey(
  store: SealedKeyStore,
  master: KeyObject,
  role: SealedSigningKey['role'],
  pkcs8: Uint8Array,
): Signer {
  const key = readPkcs8(pkcs8)
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new DeviceError('key-format-unknown')
  return keep(store, master, role, key)
}

/** @returns PKCS#8 DER in a fresh buffer that the caller erases. */
export function exportSigningKey(master: KeyObject, { id, sealed }: SealedSigningKey): Uint8Array {
  return openSealed(master, { table: TABLE, row: id }, sealed)
}

function keep(store: SealedKeyStore, master: KeyObject, role: SealedSigningKey['role'], privateKey: KeyObject): Signer {
  const { x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  const jwk: PublicSigningJwk = { kty: 'EC', crv: 'P-256', alg: 'ES256', x, y }
  const id = thumbprint(jwk)
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  try {
    store.putSigningKey({ role, id, jwk, sealed: seal(master, { table: TABLE, row: id }, pkcs8) })
  } finally {
    pkcs8.fill(0)
  }
  return signerOf(jwk, privateKey)
}

/** @throws {KeyferryError} `store-failed` if it does not open under this master key. */
export function openSigningKey(master: KeyObject, { id, jwk, sealed }: SealedSigningKey): Signer {
  // The seal holds for the id alone: a JWK that was exchanged in the file has another thumbprint.
  if (thumbprint(jwk) !== id) throw new DeviceError('profile-damaged')
  const pkcs8 = openSealed(master, { table: TABLE, row: id }, sealed)
  try {
    return signerOf(jwk, createPrivateKey({ key: Buffer.from(pkcs8.buffer), format: 'der', type: 'pkcs8' }))
  } finally {
    pkcs8.fill(0)
  }
}

function signerOf(jwk: PublicSigningJwk, key: KeyObject): Signer {
  return {
    jwk,
    id: thumbprint(jwk),
    async sign(octets) {
      return new Uint8Array(sign('sha256', octets, { key, dsaEncoding: 'ieee-p1363' }))
    },
  }
}
