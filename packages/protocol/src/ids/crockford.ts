import { KeyferryError } from '../errors.ts'

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'

/** 16 octets as 26 lower-case Crockford base-32 digits, one big-endian number, most significant digit first (PROTOCOL 1). */
export function toCrockford(octets: Uint8Array): string {
  if (octets.length !== 16) throw new RangeError('16 octets are needed')
  let number = 0n
  for (const octet of octets) number = (number << 8n) | BigInt(octet)
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = DIGITS.charAt(Number(number & 31n)) + text
    number >>= 5n
  }
  return text
}

/** @throws {KeyferryError} `id-invalid` unless 26 digits of at most 128 bits. */
export function fromCrockford(text: string): Uint8Array {
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text)) throw new KeyferryError('id-invalid', 'not 26 Crockford digits')
  let number = 0n
  for (const digit of text) number = (number << 5n) | BigInt(DIGITS.indexOf(digit))
  const octets = new Uint8Array(16)
  for (let i = 15; i >= 0; i--) {
    octets[i] = Number(number & 255n)
    number >>= 8n
  }
  return octets
}
