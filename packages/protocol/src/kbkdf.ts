import { hmacSha256 } from '#platform'
import { concatOctets, utf8 } from './json/base64url.ts'

/** Labels in use. No other derivation is added to those of JOSE, HPKE, TPM (PROTOCOL 1). */
export type KbkdfLabel =
  | 'keyferry/1 pair new'
  | 'keyferry/1 pair answer'
  | 'keyferry/1 delivery-key'
  | 'keyferry/1 device-key'
  | 'keyferry/1 container-secret'

/** KBKDF of PROTOCOL 1: SP 800-108r1 in counter mode with HMAC-SHA-256, one block of 32 octets. */
export function kbkdf(key: Uint8Array, label: KbkdfLabel, context: Uint8Array): Uint8Array {
  const one = new Uint8Array([0, 0, 0, 1])
  const bits = new Uint8Array([0, 0, 1, 0])
  return hmacSha256(key, concatOctets(one, utf8(label), new Uint8Array(1), context, bits))
}
