import { equalOctets, hmacSha256, sha256 } from '#platform'
import { KeyferryError } from '../errors.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import { kbkdf } from '../kbkdf.ts'

/**
 * The keys of a pairing, from the secret `z` that the server never sees (PROTOCOL 3): K1 under which the new device sends its
 * statement, K2 under which the paired device answers.
 */
export type PairingStep = 'new' | 'answer'

/** K1 (`new`) or K2 (`answer`): KBKDF(z, label, SHA-256(ASCII(origin))), 32 octets. */
export function pairingKey(step: PairingStep, secret: Uint8Array, origin: string): Uint8Array {
  return kbkdf(secret, `keyferry/1 pair ${step}`, sha256(utf8(origin)))
}

/**
 * b64u(HMAC-SHA-256(K, ASCII(text))).
 * @param text - step `new`: the compact JWS of the device statement; `answer`: the b64u text of the answer.
 */
export function pairingMac(key: Uint8Array, text: string): string {
  return toBase64url(hmacSha256(key, utf8(text)))
}

/**
 * To be checked before anything of `text` is read.
 * @throws {KeyferryError} `mac-invalid`
 */
export function checkPairingMac(key: Uint8Array, text: string, mac: string): void {
  if (!macMatches(hmacSha256(key, utf8(text)), mac)) throw new KeyferryError('mac-invalid', 'not from the other device')
}

/** Compares in a time that depends on lengths only; text that is no b64u matches nothing. */
export function macMatches(expected: Uint8Array, mac: string): boolean {
  try {
    return equalOctets(expected, fromBase64url(mac))
  } catch {
    return false
  }
}
