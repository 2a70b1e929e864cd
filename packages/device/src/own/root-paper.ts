import { equalOctets, sha256, utf8 } from '@keyferry/protocol'
import { DeviceError } from '../errors.ts'

/**
 * A root key on paper: 32 octets of the private number as four lines of 16 Crockford digits, 13 for 8 octets and 3 that show a typing
 * error in this very line. No passphrase: the paper is the key.
 */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'
const LINES = 4
const LINE_OCTETS = 8
const VALUE_DIGITS = 13
const CHECK_DIGITS = 3

/** @param scalar - 32 octets; the caller erases it. The lines cannot be erased: print them and forget them. */
export function writePaper(scalar: Uint8Array): string[] {
  return Array.from({ length: LINES }, (_, line) => {
    const octets = scalar.subarray(line * LINE_OCTETS, (line + 1) * LINE_OCTETS)
    const digits = toDigits(numberOf(octets), VALUE_DIGITS) + checkOf(line, octets)
    return `${line + 1}  ${(digits.match(/.{4}/g) ?? []).join(' ')}`
  })
}

/**
 * Reads what a person typed from paper: case, spaces and dashes do not matter, O is 0, I and L are 1.
 * @returns 32 octets that the caller erases.
 * @throws {DeviceError} `key-format-unknown`, its hint says which line.
 */
export function readPaper(lines: readonly string[]): Uint8Array {
  const written = lines.map((line) => line.trim()).filter((line) => line !== '')
  if (written.length !== LINES) throw new DeviceError('key-format-unknown', `there are ${LINES} lines of 16 digits`)
  const scalar = new Uint8Array(LINES * LINE_OCTETS)
  for (const [line, text] of written.entries()) scalar.set(readLine(line, text), line * LINE_OCTETS)
  return scalar
}

function readLine(line: number, text: string): Uint8Array {
  const numbered = text.toLowerCase().replace(new RegExp(`^${line + 1}[ .:)]+`), '')
  const digits = numbered.replace(/[ -]/g, '').replaceAll('o', '0').replace(/[il]/g, '1')
  const octets = octetsOf(digits.slice(0, VALUE_DIGITS))
  const check = octets === null ? new Uint8Array() : utf8(checkOf(line, octets))
  const isRight = digits.length === VALUE_DIGITS + CHECK_DIGITS && equalOctets(utf8(digits.slice(VALUE_DIGITS)), check)
  if (octets === null || !isRight) {
    throw new DeviceError('key-format-unknown', `line ${line + 1} is not as it was written`)
  }
  return octets
}

/** 15 bits of SHA-256, the number of the line within: lines that changed places show. */
function checkOf(line: number, octets: Uint8Array): string {
  const hash = sha256(Uint8Array.of(line + 1, ...octets))
  return toDigits(BigInt((((hash[0] ?? 0) << 8) | (hash[1] ?? 0)) >> 1), CHECK_DIGITS)
}

function numberOf(octets: Uint8Array): bigint {
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n)
}

function toDigits(number: bigint, count: number): string {
  let text = ''
  for (let i = count - 1; i >= 0; i--) text += DIGITS.charAt(Number((number >> BigInt(5 * i)) & 31n))
  return text
}

function octetsOf(digits: string): Uint8Array | null {
  let number = 0n
  for (const digit of digits) {
    const value = DIGITS.indexOf(digit)
    if (value < 0) return null
    number = (number << 5n) | BigInt(value)
  }
  if (number >> 64n !== 0n) return null
  return Uint8Array.from({ length: LINE_OCTETS }, (_, i) =>
    Number((number >> BigInt(8 * (LINE_OCTETS - 1 - i))) & 255n),
  )
}
