import { existsSync } from 'node:fs'
import { logNameOf } from '@keyferry/protocol'
import { dataFolderAt } from './config/data-folder.ts'
import { logVkey } from './log/log.ts'
import { SetupError } from './setup-error.ts'
import { replaceLogKey } from './signing/key-files.ts'
import { META } from './store/meta.ts'
import { openSqliteStore } from './store/sqlite/sqlite-store.ts'

export interface NewLog {
  readonly origin: string
  /** vkey of the new log, which each user's root has to accept. */
  readonly logKey: string
}

/**
 * Begins a new log under a new key on the data of a server that stands still (PROTOCOL 10, "Restored server"). All leaves stay, since
 * devices demand that what they rely on is in it; what stopped the writes is forgotten. Can be done again if it was interrupted.
 * @param root - the data folder. What is answered is durable.
 * @throws {SetupError} `data-absent`, `data-in-use`
 */
export async function startNewLog(root: string): Promise<NewLog> {
  const folder = dataFolderAt(root)
  if (!existsSync(folder.database)) throw absent()
  const store = await openSqliteStore(folder.database)
  try {
    const origin = await store.read.meta(META.origin)
    if (origin === null) throw absent()
    const signer = replaceLogKey(folder.keys)
    await store.commit([
      { kind: 'delete-meta', name: META.lastCheckpoint },
      { kind: 'delete-meta', name: META.misfitNote },
    ])
    return { origin, logKey: logVkey(logNameOf(origin), signer).text }
  } finally {
    await store.close()
  }
}

function absent(): SetupError {
  return new SetupError('data-absent', 'name the folder of the server that was restored: --data FOLDER')
}
