/** SQLite's result codes (sqlite.org/rescode.html), as `node:sqlite` gives them. Loaded in the writer thread, so without imports. */

/** Extended codes that say that a row was there already. */
const UNIQUE_CODES: ReadonlySet<number> = new Set([1555, 2067])

/** Another connection is in the way. */
const BUSY = 5

interface Outage {
  readonly text: string
  /** Seconds. */
  readonly retryAfter: number
  /** For whoever runs the server: what is to be done about it. */
  readonly reason?: string
}

/** Primary codes that are about the disk or the machine and not about the unit: what failed now may work later. */
export const OUTAGES: Readonly<Record<number, Outage>> = {
  [BUSY]: { text: 'the database is busy', retryAfter: 1 },
  7: { text: 'out of memory', retryAfter: 10 },
  8: { text: 'the database is read-only', retryAfter: 60 },
  10: { text: 'the disk failed', retryAfter: 60 },
  13: { text: 'the disk is full', retryAfter: 30, reason: 'disk-full' },
  14: { text: 'the database cannot be opened', retryAfter: 60 },
}

/** The extended result code of what SQLite threw, or null. */
export function errcodeOf(error: unknown): number | null {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : null
  return typeof code === 'number' ? code : null
}

export function primaryCode(errcode: number): number {
  return errcode & 0xff
}

export function isUniqueViolation(errcode: number | null): boolean {
  return errcode !== null && UNIQUE_CODES.has(errcode)
}

/** Whether a statement failed for the sake of the disk, which ends the transaction, or of its own values. */
export function isOutage(errcode: number | null): boolean {
  return errcode !== null && primaryCode(errcode) in OUTAGES
}
