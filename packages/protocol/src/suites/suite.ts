import type { CryptoKey } from 'hpke'
import type { TransportJwk } from '../jose/jwk.ts'

/** A transport key pair in memory, as WebCrypto keys; the private one need not be extractable. */
export interface TransportKeyPair {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
}

/** What a JWE suite makes of P. */
export interface Sealed {
  /** HPKE: the encapsulated key. */
  readonly encryptedKey: Uint8Array
  /** With the tag. */
  readonly ciphertext: Uint8Array
}

/** One JWE suite of PROTOCOL 8 that protects to a public key. Says nothing about who sealed: verify the envelope first. */
export interface JweSuite {
  readonly alg: string
  /** A fresh pair, from the randomness of the platform. */
  generateKeyPair(options?: { readonly extractable?: boolean }): Promise<TransportKeyPair>
  /** The public key as it stands in a device statement. */
  exportPublicKey(pair: TransportKeyPair): Promise<TransportJwk>
  /** The private key's octets (RFC 9180, SerializePrivateKey), if it is extractable; the caller fills them with zeros after use. */
  exportPrivateKey(pair: TransportKeyPair): Promise<Uint8Array>
  /** The pair of these octets, not extractable. Throws `public-key-invalid`, `malformed`. */
  importKeyPair(publicJwk: TransportJwk, privateOctets: Uint8Array): Promise<TransportKeyPair>
  /** Seals to a public key, with a fresh ephemeral one. Throws `public-key-invalid`. */
  seal(recipient: TransportJwk, plaintext: Uint8Array, aad: Uint8Array): Promise<Sealed>
  /** Opens into a fresh buffer, which the caller fills with zeros after use. Throws `unwrap-failed` for every cause. */
  open(pair: TransportKeyPair, sealed: Sealed, aad: Uint8Array): Promise<Uint8Array>
}

/** One blob suite of PROTOCOL 8 that protects to a public key. Binds nothing beside the key octets: verify the envelope first. */
export interface BlobSuite {
  readonly alg: string
  /** Throws `public-key-invalid`; `key-not-exportable` for more octets than the suite takes under this key. */
  wrap(recipient: TransportJwk, keyOctets: Uint8Array): Promise<Uint8Array>
  /** Unwraps into a fresh buffer, which the caller fills with zeros after use. Throws `unwrap-failed` for every cause. */
  unwrap(pair: Pick<TransportKeyPair, 'privateKey'>, blob: Uint8Array): Promise<Uint8Array>
}
