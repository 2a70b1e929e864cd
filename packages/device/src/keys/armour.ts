import { join } from './octets.ts'

/**
 * Textual armour (RFC 7468) as octets to octets: what is inside are private keys, and text in JavaScript cannot be erased.
 */
const ALPHABET = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const VALUES: ReadonlyMap<number, number> = new Map([...ALPHABET].map((letter, value) => [letter, value]))
const PAD = 0x3d
const LINE_END = 0x0a
const SPACES: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20])

/** What OpenSSL writes before a key of SEC 1, whose block names its curve once more. */
const EC_PARAMETERS_END = '-----END EC PARAMETERS-----'

/** The label of the first armoured block that is no `EC PARAMETERS`: `OPENSSH PRIVATE KEY`. `null` if there is none. */
export function armourLabel(octets: Uint8Array): string | null {
  const begin = indexOf(octets, '-----BEGIN ', Math.max(0, indexOf(octets, EC_PARAMETERS_END, 0)))
  if (begin < 0) return null
  const from = begin + 11
  const to = indexOf(octets, '-----', from)
  const label = to < 0 ? '' : new TextDecoder().decode(octets.subarray(from, to))
  return /^[A-Z0-9 ]{1,40}$/.test(label) ? label : null
}

/**
 * What the block with this label holds; `null` unless the file is that one block and white space. The caller erases it.
 */
export function readArmour(octets: Uint8Array, label: string): Uint8Array | null {
  const head = `-----BEGIN ${label}-----`
  const tail = `-----END ${label}-----`
  const begin = indexOf(octets, head, 0)
  const end = begin < 0 ? -1 : indexOf(octets, tail, begin + head.length)
  if (end < 0) return null
  const around = [octets.subarray(0, begin), octets.subarray(end + tail.length)]
  if (around.some((part) => part.some((octet) => !SPACES.has(octet)))) return null
  return decodeBase64(octets.subarray(begin + head.length, end))
}

/** `lineLength` characters a line (RFC 7468: 64, ssh-keygen: 70), with a final line end. */
export function writeArmour(octets: Uint8Array, label: string, lineLength: number): Uint8Array {
  const encoder = new TextEncoder()
  const digits = encodeBase64(octets)
  const lines: Uint8Array[] = []
  for (let at = 0; at < digits.length; at += lineLength) {
    lines.push(digits.subarray(at, at + lineLength), new Uint8Array([LINE_END]))
  }
  try {
    return join(encoder.encode(`-----BEGIN ${label}-----\n`), ...lines, encoder.encode(`-----END ${label}-----\n`))
  } finally {
    digits.fill(0)
  }
}

function indexOf(octets: Uint8Array, text: string, from: number): number {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).indexOf(text, from, 'latin1')
}

function encodeBase64(octets: Uint8Array): Uint8Array {
  const digits = new Uint8Array(Math.ceil(octets.length / 3) * 4).fill(PAD)
  for (let at = 0, to = 0; at < octets.length; at += 3, to += 4) {
    const [a = 0, b, c] = octets.subarray(at, at + 3)
    digits[to] = ALPHABET[a >> 2] as number
    digits[to + 1] = ALPHABET[((a & 3) << 4) | ((b ?? 0) >> 4)] as number
    if (b !== undefined) digits[to + 2] = ALPHABET[((b & 15) << 2) | ((c ?? 0) >> 6)] as number
    if (c !== undefined) digits[to + 3] = ALPHABET[c & 63] as number
  }
  return digits
}

/** `null` for anything but base64 with its padding, white space between allowed. */
function decodeBase64(text: Uint8Array): Uint8Array | null {
  const octets = new Uint8Array(Math.floor(text.length / 4) * 3)
  let length = 0
  let digits = 0
  let pads = 0
  let bits = 0
  for (const letter of text) {
    if (SPACES.has(letter)) continue
    const value = VALUES.get(letter)
    if (letter === PAD) pads++
    else if (value === undefined || pads > 0) return null
    bits = ((bits << 6) | (value ?? 0)) & 0xffffff
    if (++digits % 4 !== 0) continue
    octets[length++] = bits >> 16
    octets[length++] = (bits >> 8) & 255
    octets[length++] = bits & 255
  }
  if (digits === 0 || digits % 4 !== 0 || pads > 2) {
    octets.fill(0)
    return null
  }
  return octets.subarray(0, length - pads)
}
