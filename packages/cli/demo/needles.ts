/**
 * What to search for when a secret must not be somewhere: its octets, its digits, and its base64 wherever it may begin inside a
 * longer base64 text (three alignments, both alphabets). Each is at least 16 octets long: nothing is found by chance.
 */
export function needlesOf(secret: Uint8Array): readonly Buffer[] {
  const octets = Buffer.from(secret)
  const hex = octets.toString('hex')
  const texts = [hex, hex.toUpperCase(), ...[0, 1, 2].flatMap((shift) => alignedBase64(octets, shift))]
  return [octets, ...texts.map((text) => Buffer.from(text, 'latin1'))]
}

/** The digits that do not depend on what stands before or behind. */
function alignedBase64(octets: Buffer, shift: number): readonly string[] {
  const text = Buffer.concat([Buffer.alloc(shift), octets]).toString('base64')
  const first = Math.ceil((shift * 8) / 6)
  const last = Math.floor(((shift + octets.length) * 8) / 6)
  const sure = text.slice(first, last)
  const url = sure.replaceAll('+', '-').replaceAll('/', '_')
  return url === sure ? [sure] : [sure, url]
}

export function countIn(haystack: Buffer, needles: readonly Buffer[]): number {
  return needles.filter((needle) => haystack.includes(needle)).length
}
