/**
 * The primitives that `protocol` takes from where it runs: node.ts on Node, web.ts in browsers. package.json chooses.
 * Hashes are synchronous because ids, refs and digests are read everywhere.
 */
import type { PublicSigningJwk } from '../jose/jwk.ts'

/** SHA-256 (FIPS 180-4): 32 octets. */
export declare function sha256(octets: Uint8Array): Uint8Array
/** HMAC-SHA-256 (RFC 2104): 32 octets. */
export declare function hmacSha256(key: Uint8Array, octets: Uint8Array): Uint8Array
/** UTF-8 octets of a text. They may lie in a buffer with others: look at the view, never at its `buffer`. */
export declare function encodeUtf8(text: string): Uint8Array
export type Base64Alphabet = 'base64' | 'base64url'
/** RFC 4648; base64 with padding, base64url without. */
export declare function encodeBase64(octets: Uint8Array, alphabet: Base64Alphabet): string
/** The reverse, into a buffer of its own. Only for texts that were checked to be in form: anything else gives anything. */
export declare function decodeBase64(text: string, alphabet: Base64Alphabet): Uint8Array
/** Whether both hold the same octets; time depends on the lengths only. */
export declare function equalOctets(a: Uint8Array, b: Uint8Array): boolean
/**
 * Verifies a JWS signature (RFC 7518, RFC 8037; ES256 as raw r||s of 64 octets) by the `alg` of the key.
 * A key that the platform refuses (a point off the curve) is an invalid signature: `false`, never an error.
 * Keys are imported once per JWK object: hand in the same object again to be quick.
 */
export declare function verifySignature(
  jwk: PublicSigningJwk,
  signature: Uint8Array,
  octets: Uint8Array,
): Promise<boolean>
