import { KeyferryError } from '../errors.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The UTF-8 octets of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** @throws {KeyferryError} `malformed` when the octets are not UTF-8. */
export function fromUtf8(octets: Uint8Array): string {
  try {
    return decoder.decode(octets)
  } catch {
    throw new KeyferryError('malformed', 'not UTF-8')
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** base64url without padding (RFC 4648, Section 5), the "b64u" of PROTOCOL 1. */
export function toBase64url(octets: Uint8Array): string {
  return octets.toBase64({ alphabet: 'base64url', omitPadding: true })
}

/** Standard base64 with padding: only HTTP structured fields and signed notes use it (PROTOCOL 1). */
export function toBase64(octets: Uint8Array): string {
  return octets.toBase64()
}

/**
 * Decodes b64u strictly: no padding, no other alphabet, no white space, no non-zero trailing bits.
 * @throws {KeyferryError} `malformed`
 */
export function fromBase64url(text: string): Uint8Array {
  const tail = text.length % 4
  const last = tail === 0 ? 0 : ALPHABET.indexOf(text.charAt(text.length - 1))
  const spill = tail === 2 ? 15 : tail === 3 ? 3 : 0
  if (tail === 1 || (last & spill) !== 0 || !/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new KeyferryError('malformed', 'not base64url')
  }
  return Uint8Array.fromBase64(text, { alphabet: 'base64url' })
}

/**
 * Decodes standard base64 with padding, as strictly.
 * @throws {KeyferryError} `malformed`
 */
export function fromBase64(text: string): Uint8Array {
  try {
    if (/^[A-Za-z0-9+/=]*$/.test(text)) return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' })
  } catch {
    // falls through to the one error
  }
  throw new KeyferryError('malformed', 'not base64')
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
