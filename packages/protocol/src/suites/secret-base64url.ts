/**
 * base64url of secrets, from octets to octets: strings cannot be wiped, so key octets never become one.
 * Without padding; time depends on lengths only where a text is well-formed.
 */
export function encodeSecret(octets: Uint8Array): Uint8Array {
  const text = new Uint8Array(Math.ceil((octets.length * 4) / 3))
  for (let i = 0; i < text.length; i++) {
    const bit = i * 6
    const at = bit >> 3
    const pair = ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)
    text[i] = toDigit((pair >> (10 - (bit & 7))) & 63)
  }
  return text
}

/** `null` unless the text is strict base64url: its alphabet, no padding, no non-zero trailing bits. */
export function decodeSecret(text: Uint8Array): Uint8Array | null {
  const octets = new Uint8Array((text.length * 6) >> 3)
  let [buffer, bits, at, wrong] = [0, 0, 0, Number(text.length % 4 === 1)]
  for (const digit of text) {
    const value = fromDigit(digit)
    wrong |= value >> 6
    buffer = ((buffer << 6) | (value & 63)) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      octets[at++] = buffer >> bits
    }
  }
  wrong |= buffer & ((1 << bits) - 1)
  if (wrong === 0) return octets
  octets.fill(0)
  return null
}

/** All bits set if lo <= n <= hi, else none; without a branch. */
function within(n: number, lo: number, hi: number): number {
  return ~((n - lo) | (hi - n)) >> 31
}

function toDigit(n: number): number {
  return (
    (within(n, 0, 25) & (n + 65)) |
    (within(n, 26, 51) & (n + 71)) |
    (within(n, 52, 61) & (n - 4)) |
    (within(n, 62, 62) & 45) |
    (within(n, 63, 63) & 95)
  )
}

/** 64 for what is no digit. */
function fromDigit(c: number): number {
  const [upper, lower, figure] = [within(c, 65, 90), within(c, 97, 122), within(c, 48, 57)]
  const [minus, low] = [within(c, 45, 45), within(c, 95, 95)]
  const digit = (upper & (c - 65)) | (lower & (c - 71)) | (figure & (c + 4)) | (minus & 62) | (low & 63)
  return digit | (~(upper | lower | figure | minus | low) & 64)
}
