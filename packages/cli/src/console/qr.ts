import { renderUnicodeCompact } from 'uqr'

/**
 * A QR code as lines for a terminal of any colours: drawn light on dark with a border, so that phones read it on both. `null` where it
 * would not fit, since half a code is worse than none.
 */
export function qrLines(text: string, terminalColumns: number | undefined): readonly string[] | null {
  const lines = renderUnicodeCompact(text, { ecc: 'L', border: 2, invert: true }).split('\n')
  const widest = Math.max(...lines.map((line) => line.length))
  return terminalColumns === undefined || widest + 4 > terminalColumns ? null : lines.map((line) => `    ${line}`)
}
