import { decodeBase64, encodeBase64, encodeUtf8 } from '#platform'
import { KeyferryError } from '../errors.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The UTF-8 octets of a text. They may lie in a buffer with others: look at the view, never at its `buffer`. */
export function utf8(text: string): Uint8Array {
  return encodeUtf8(text)
}

/** @throws {KeyferryError} `malformed` when the octets are not UTF-8. */
export function fromUtf8(octets: Uint8Array): string {
  try {
    return decoder.decode(octets)
  } catch {
    throw new KeyferryError('malformed', 'not UTF-8')
  }
}

const DIGITS = {
  base64url: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  base64: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
} as const
const BASE64URL = /^[A-Za-z0-9_-]*$/
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** base64url without padding (RFC 4648, Section 5), the "b64u" of PROTOCOL 1. */
export function toBase64url(octets: Uint8Array): string {
  return encodeBase64(octets, 'base64url')
}

/** Standard base64 with padding: only HTTP structured fields and signed notes use it (PROTOCOL 1). */
export function toBase64(octets: Uint8Array): string {
  return encodeBase64(octets, 'base64')
}

/**
 * Decodes b64u strictly: no padding, no other alphabet, no white space, no non-zero trailing bits.
 * @throws {KeyferryError} `malformed`
 */
export function fromBase64url(text: string): Uint8Array {
  if (!BASE64URL.test(text) || !endsWell(text, DIGITS.base64url)) {
    throw new KeyferryError('malformed', 'not base64url')
  }
  return decodeBase64(text, 'base64url')
}

/**
 * Decodes standard base64 with padding, as strictly.
 * @throws {KeyferryError} `malformed`
 */
export function fromBase64(text: string): Uint8Array {
  const digits = text.endsWith('=') ? text.replace(/={1,2}$/, '') : text
  if (text.length % 4 !== 0 || !BASE64.test(text) || !endsWell(digits, DIGITS.base64)) {
    throw new KeyferryError('malformed', 'not base64')
  }
  return decodeBase64(text, 'base64')
}

/** Whether the last digit leaves no bits over, and there is no lone one. */
function endsWell(digits: string, alphabet: string): boolean {
  const tail = digits.length % 4
  if (tail === 0) return true
  const spill = tail === 2 ? 15 : 3
  return tail !== 1 && (alphabet.indexOf(digits.charAt(digits.length - 1)) & spill) === 0
}

export function concatOctets(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
