import { sha256 } from '#platform'
import { KeyferryError, withErrorCode } from '../errors.ts'
import type { PublicSigningJwk } from '../jose/jwk.ts'
import { concatOctets, fromBase64, toBase64, toBase64url, utf8 } from '../json/base64url.ts'
import { toHex } from '../json/hex.ts'
import { isSoundEd25519 } from '../suites/public-key.ts'

/** Signature types of C2SP signed-note that this protocol has: a log signs notes, a witness cosigns them with a time. */
export type VkeyUse = 'log' | 'witness'
const TYPE_OCTET: Readonly<Record<VkeyUse, number>> = { log: 0x01, witness: 0x04 }

/** A verifier key of C2SP signed-note, Ed25519 only: `<name>+<key id, 8 hex digits>+<base64(type octet || key)>`. */
export interface Vkey {
  readonly text: string
  readonly name: string
  readonly use: VkeyUse
  /** First 4 octets of SHA-256(name || 0A || type octet || key). */
  readonly keyId: Uint8Array
  /** One object per vkey: hand it in again and the platform need not import the key a second time. */
  readonly jwk: PublicSigningJwk
}

/** Non-empty, no Unicode space, no plus, no control characters (C2SP signed-note). */
const NAME = '[^\\s\\p{Z}\\p{Cc}+]+'
export const NOTE_KEY_NAME: RegExp = new RegExp(`^${NAME}$`, 'u')
const VKEY = new RegExp(`^(${NAME})\\+([0-9a-f]{8})\\+([A-Za-z0-9+/]+={0,2})$`, 'u')

/** The key id of a note signature: 4 octets. */
export function noteKeyId(name: string, use: VkeyUse, publicKey: Uint8Array): Uint8Array {
  return sha256(concatOctets(utf8(`${name}\n`), new Uint8Array([TYPE_OCTET[use]]), publicKey)).slice(0, 4)
}

/**
 * @param publicKey - 32 octets, Ed25519.
 * @throws {KeyferryError} `malformed` if the name cannot stand in a note or the key is unsound.
 */
export function makeVkey(name: string, use: VkeyUse, publicKey: Uint8Array): Vkey {
  if (!NOTE_KEY_NAME.test(name) || !name.isWellFormed() || publicKey.length !== 32) throw malformed()
  // Under a key of small order a signature says nothing (PROTOCOL 1).
  if (!isSoundEd25519(publicKey)) throw malformed()
  const keyId = noteKeyId(name, use, publicKey)
  const key = toBase64(concatOctets(new Uint8Array([TYPE_OCTET[use]]), publicKey))
  return {
    text: `${name}+${toHex(keyId)}+${key}`,
    name,
    use,
    keyId,
    jwk: { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: toBase64url(publicKey) },
  }
}

/**
 * @throws {KeyferryError} `malformed`: not a vkey, of another signature type, or its key id is not that of its key.
 */
export function parseVkey(text: string): Vkey {
  const found = VKEY.exec(text)
  const octets = withErrorCode('malformed', () => fromBase64(found?.[3] ?? ''))
  const use = octets[0] === TYPE_OCTET.log ? 'log' : octets[0] === TYPE_OCTET.witness ? 'witness' : null
  if (found === null || use === null) throw malformed()
  const vkey = makeVkey(found[1] ?? '', use, octets.slice(1))
  if (vkey.text !== text) throw malformed()
  return vkey
}

function malformed(): KeyferryError {
  return new KeyferryError('malformed', 'not a vkey')
}
