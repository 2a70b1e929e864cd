import { DatabaseSync } from 'node:sqlite'

/** Another connection is in the way: https://www.sqlite.org/rescode.html */
const BUSY = 5

/**
 * Makes this the only one that holds the file at `path`, until the answer is called or the process ends, however it does: the system gives a
 * lock back, a file with a process number in it would stay. The lock is SQLite's own. The file holds nothing, and its maker says who may open it.
 *
 * @returns What gives it back; null when somebody else holds it, in this process or another. Never waits.
 */
export function holdExclusively(path: string): (() => void) | null {
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec('PRAGMA journal_mode = MEMORY')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (isBusy(error)) return null
    throw error
  }
  return () => db.close()
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY
}
