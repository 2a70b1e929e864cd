import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SetupError } from '../../setup-error.ts'
import { BUSY, errcodeOf, primaryCode } from './error-codes.ts'

/**
 * Makes this process the only one that uses the database at `path`, until the answer is called or the process ends, however it does: the
 * system gives a lock back, a file with a process number in it would stay. The lock is SQLite's own, on a file `<path>.lock` beside it.
 * @throws {SetupError} `data-in-use`
 */
export function becomeSingleOwner(path: string): () => void {
  const file = `${path}.lock`
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const db = new DatabaseSync(file)
  try {
    db.exec('PRAGMA journal_mode=MEMORY')
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    if (primaryCode(errcodeOf(cause) ?? 0) !== BUSY) throw cause
    throw new SetupError('data-in-use', `stop the server that uses ${path}, or give this one another folder (--data)`, {
      cause,
    })
  }
  return () => db.close()
}
