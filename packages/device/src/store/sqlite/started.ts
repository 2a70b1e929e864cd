import { KeyferryError } from '@keyferry/protocol'
import type { StartedTransfer, StartedTransferStore } from '../started.ts'
import { body } from './columns.ts'
import type { Database } from './database.ts'

export function startedTransferStore(database: Database): StartedTransferStore {
  const put = (started: StartedTransfer): void => {
    database.run(
      `INSERT INTO started (idempotency_key, tr, at, body) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (idempotency_key) DO UPDATE SET tr = ?2, at = ?3, body = ?4`,
      started.idempotencyKey,
      started.tr,
      started.at,
      JSON.stringify(started),
    )
  }
  return {
    find(tr) {
      const row = database.get('SELECT body FROM started WHERE tr = ?', tr)
      return row === null ? null : body<StartedTransfer>(row)
    },
    list: () => database.all('SELECT body FROM started ORDER BY at, rowid').map(body<StartedTransfer>),
    unanswered: () =>
      database.all('SELECT body FROM started WHERE tr IS NULL ORDER BY at, rowid').map(body<StartedTransfer>),
    put,
    answered(idempotencyKey, tr) {
      database.transaction(() => {
        const row = database.get('SELECT body FROM started WHERE idempotency_key = ?', idempotencyKey)
        const started = row === null ? null : body<StartedTransfer>(row)
        if (started === null || (started.tr !== null && started.tr !== tr)) {
          throw new KeyferryError('state-conflict', 'no transfer of this name was started here')
        }
        put({ ...started, tr })
      })
    },
    remove(idempotencyKey) {
      database.run('DELETE FROM started WHERE idempotency_key = ?', idempotencyKey)
    },
  }
}
