import type { DeviceId, KeyId } from '@keyferry/protocol'
import type { ConsentStore } from '../consents.ts'
import { integer, text } from './columns.ts'
import type { Database } from './database.ts'

export function consentStore(database: Database): ConsentStore {
  return {
    has: (key, to) => database.get('SELECT 1 FROM consent WHERE key = ? AND "to" = ?', key, to) !== null,
    of: (key) =>
      database.all('SELECT key, "to", at FROM consent WHERE key = ? ORDER BY at, "to"', key).map((row) => ({
        key: text(row, 'key') as KeyId,
        to: text(row, 'to') as DeviceId,
        at: integer(row, 'at'),
      })),
    give({ key, to, at }) {
      database.run('INSERT OR IGNORE INTO consent (key, "to", at) VALUES (?, ?, ?)', key, to, at)
    },
    withdraw(key, to) {
      database.run('DELETE FROM consent WHERE key = ? AND "to" = ?', key, to)
    },
  }
}
