/** Lower-case hexadecimal. `Uint8Array.prototype.toHex` is younger than the oldest Node that runs this. */
export function toHex(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) text += octet.toString(16).padStart(2, '0')
  return text
}

/** The octets of hexadecimal digits, for constants of ours: anything else gives anything. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
