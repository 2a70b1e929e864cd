import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DeviceError } from '../errors.ts'
import { makePrivateFile } from '../files/private-place.ts'
import { isSqliteError } from '../store/sqlite/database.ts'

const LOCK_FILE = 'agent.lock'
const BUSY = 5

/**
 * Makes this the only agent of the device in `folder`, until the answer is called or the process ends, however it does: the system gives
 * a lock back, a file with a process number in it would stay. The lock is SQLite's own, on a file that holds nothing.
 * @throws {DeviceError} `agent-running`
 */
export function becomeSingleAgent(folder: string): () => void {
  const path = join(folder, LOCK_FILE)
  makePrivateFile(path)
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec('PRAGMA journal_mode = MEMORY')
    db.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    db.close()
    if (!isSqliteError(cause) || (cause.errcode & 0xff) !== BUSY) throw cause
    throw new DeviceError('agent-running', 'it does all that there is to do: let it run, or stop it first', { cause })
  }
  return () => db.close()
}
