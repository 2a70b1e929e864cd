import type { CryptoKey } from 'hpke'
import { KeyferryError } from '../errors.ts'
import type { TransportJwk } from '../jose/jwk.ts'
import { fromBase64url } from '../json/base64url.ts'
import { transportKeyIsValid } from './public-key.ts'
import type { BlobSuite } from './suite.ts'
import { unwrapFailed } from './unwrap-failed.ts'

/** WebCrypto as far as it is used here; all platforms of `hpke` have it. Without `label` the label is empty. */
declare const crypto: {
  readonly subtle: {
    importKey(
      format: 'jwk',
      jwk: { readonly kty: 'RSA'; readonly n: string; readonly e: string },
      algorithm: typeof ALGORITHM,
      extractable: boolean,
      usages: readonly string[],
    ): Promise<CryptoKey>
    encrypt(algorithm: { readonly name: 'RSA-OAEP' }, key: CryptoKey, octets: Uint8Array): Promise<ArrayBuffer>
    decrypt(algorithm: { readonly name: 'RSA-OAEP' }, key: CryptoKey, octets: Uint8Array): Promise<ArrayBuffer>
  }
}

/** WebCrypto takes the hash of MGF1 from here too. */
const ALGORITHM = { name: 'RSA-OAEP', hash: 'SHA-256' } as const
/** Two hashes of 32 octets and two octets (RFC 8017, Section 7.1.1). */
export const OAEP_256_OVERHEAD_OCTETS = 66

/**
 * `RSA-OAEP-256`: RSAES-OAEP (RFC 8017, Section 7.1) of the key octets, SHA-256, MGF1 with SHA-256, empty label (PROTOCOL 8). The blob
 * has as many octets as the modulus (256..512), the key at most 66 fewer. Nothing binds it to its context but the signature.
 */
export const rsaOaep256: BlobSuite = {
  alg: 'RSA-OAEP-256',
  async wrap(recipient, keyOctets) {
    if (recipient.kty !== 'RSA' || !transportKeyIsValid(recipient)) throw publicKeyInvalid()
    if (keyOctets.length > modulusOctets(recipient) - OAEP_256_OVERHEAD_OCTETS) {
      throw new KeyferryError('key-not-exportable', 'the key has more octets than this RSA key takes')
    }
    const { kty, n, e } = recipient
    const publicKey = await crypto.subtle
      .importKey('jwk', { kty, n, e }, ALGORITHM, false, ['encrypt'])
      .catch(() => Promise.reject(publicKeyInvalid()))
    return new Uint8Array(await crypto.subtle.encrypt({ name: 'RSA-OAEP' }, publicKey, keyOctets))
  },
  async unwrap({ privateKey }, blob) {
    const { modulusLength } = privateKey.algorithm as { readonly modulusLength?: number }
    // Platforms take shorter octets as a number with zeros before it; RFC 8017 allows one length only.
    if (modulusLength === undefined || blob.length !== Math.ceil(modulusLength / 8)) throw unwrapFailed()
    try {
      return new Uint8Array(await crypto.subtle.decrypt({ name: 'RSA-OAEP' }, privateKey, blob))
    } catch {
      throw unwrapFailed()
    }
  },
}

/** k of a key whose modulus has no zeros before it (PROTOCOL 1). */
export function modulusOctets(jwk: TransportJwk & { readonly kty: 'RSA' }): number {
  return fromBase64url(jwk.n).length
}

function publicKeyInvalid(): KeyferryError {
  return new KeyferryError('public-key-invalid', 'the transport key is not valid')
}
