import type { CryptoKey } from 'hpke'
import { concatOctets } from '../json/base64url.ts'
import { fromHex } from '../json/hex.ts'

/** P-256 private keys between octets and WebCrypto, by PKCS#8 and not JWK: a JWK would make a string of the key. */

/** WebCrypto as far as it is used here; all platforms of `hpke` have it. */
declare const crypto: {
  readonly subtle: {
    importKey(
      format: 'pkcs8',
      octets: Uint8Array,
      algorithm: { readonly name: 'ECDH'; readonly namedCurve: 'P-256' },
      extractable: boolean,
      usages: readonly string[],
    ): Promise<CryptoKey>
    exportKey(format: 'pkcs8', key: CryptoKey): Promise<ArrayBuffer>
  }
}

/** PrivateKeyInfo (RFC 5208) of id-ecPublicKey, prime256v1, up to the 32 octets of the key in an ECPrivateKey (RFC 5915). */
const HEAD = fromHex('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420')
/** ... and what stands between it and the point. With the point WebKit and Firefox take it too. */
const MIDDLE = fromHex('a144034200')
const SCALAR_OCTETS = 32

/**
 * @param scalar - 32 octets.
 * @param point - Its public key, uncompressed: 65 octets.
 */
export async function importP256PrivateKey(scalar: Uint8Array, point: Uint8Array): Promise<CryptoKey> {
  if (scalar.length !== SCALAR_OCTETS) throw new RangeError('32 octets are needed')
  const pkcs8 = concatOctets(HEAD, scalar, MIDDLE, point)
  try {
    return await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits'])
  } finally {
    pkcs8.fill(0)
  }
}

/** The 32 octets of an extractable key. */
export async function exportP256PrivateKey(key: CryptoKey): Promise<Uint8Array> {
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', key))
  try {
    if (!HEAD.every((octet, i) => pkcs8[i] === octet)) throw new RangeError('not the usual PKCS#8 of P-256')
    return pkcs8.slice(HEAD.length, HEAD.length + SCALAR_OCTETS)
  } finally {
    pkcs8.fill(0)
  }
}
