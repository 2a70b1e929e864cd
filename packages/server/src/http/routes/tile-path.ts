/** One tile of C2SP tlog-tiles: which, and how many of its 256 places. */
export interface TilePath {
  readonly index: number
  /** 1..256. */
  readonly width: number
}

const FULL = 256
/** Groups of three digits, all but the last with an `x` before them; no superfluous group of zeros. */
const PATH = /^((?:x[0-9]{3}\/){0,4})([0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/**
 * Reads `<N>[.p/<W>]` of C2SP tlog-tiles: `x001/x234/067` is 1234067, `067.p/5` has five places.
 * @returns null for a path that is none, or another spelling of one.
 */
export function tilePath(text: string): TilePath | null {
  const [whole, front, last, partial] = PATH.exec(text) ?? []
  if (whole === undefined || front === undefined || front.startsWith('x000')) return null
  const width = partial === undefined ? FULL : Number(partial)
  const index = Number(front.replace(/[x/]/g, '') + last)
  return (partial === undefined || width < FULL) && Number.isSafeInteger(index * FULL) ? { index, width } : null
}
