import type { DatabaseSync } from 'node:sqlite'

/** How long a connection waits for the lock of another one. */
const BUSY_MS = 5000
/** Negative: KiB instead of pages. */
const CACHE_KIB = -16_384
/** The WAL is copied into the database when it has so many pages (16 MiB): the more, the fewer copies of what changes often. */
const WAL_PAGES = 4096

/**
 * Settings of a connection that writes. FULL: a commit is on disk when it returns. `secure_delete`: what is deleted is overwritten
 * with zeros (who turns it off keeps erased wrapped keys readable on disk).
 */
export function setUpWriting(db: DatabaseSync): void {
  // First: each of these looks at the file.
  db.exec(`PRAGMA busy_timeout=${BUSY_MS}`)
  db.exec(`PRAGMA cache_size=${CACHE_KIB}`)
  db.exec('PRAGMA journal_mode=WAL')
  db.exec('PRAGMA synchronous=FULL')
  db.exec('PRAGMA secure_delete=ON')
  db.exec('PRAGMA foreign_keys=ON')
  db.exec(`PRAGMA wal_autocheckpoint=${WAL_PAGES}`)
}

export function setUpReading(db: DatabaseSync): void {
  db.exec(`PRAGMA busy_timeout=${BUSY_MS}`)
  db.exec('PRAGMA query_only=ON')
  db.exec(`PRAGMA cache_size=${CACHE_KIB}`)
}

/**
 * Copies everything from the WAL into the database and empties the WAL file, so that octets erased since leave the disk.
 * @returns false if a reader was in the way, or the disk: try again later.
 */
export function truncateWal(db: DatabaseSync): boolean {
  try {
    db.exec('PRAGMA busy_timeout=50')
    const answer = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    return answer?.busy === 0
  } catch {
    return false
  } finally {
    db.exec(`PRAGMA busy_timeout=${BUSY_MS}`)
  }
}
