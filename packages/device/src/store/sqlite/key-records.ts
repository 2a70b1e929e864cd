import { KeyferryError } from '@keyferry/protocol'
import type { KeyRecord, KeyRecordStore } from '../key-records.ts'
import { body } from './columns.ts'
import type { Database } from './database.ts'

export function keyRecordStore(database: Database): KeyRecordStore {
  const find = (id: string): KeyRecord | null => {
    const row = database.get('SELECT body FROM key_record WHERE id = ?', id)
    return row === null ? null : body<KeyRecord>(row)
  }
  return {
    find,
    labelled: (label) =>
      database.all('SELECT body FROM key_record WHERE label = ? ORDER BY created_at, id', label).map(body<KeyRecord>),
    list: () => database.all('SELECT body FROM key_record ORDER BY created_at, id').map(body<KeyRecord>),
    put(record) {
      database.transaction(() => {
        const { id, generation } = record.key
        if (generation < (find(id)?.key.generation ?? 0)) {
          throw new KeyferryError('generation-old', 'the record has a later generation')
        }
        const sql = 'INSERT OR REPLACE INTO key_record (id, label, created_at, body) VALUES (?, ?, ?, ?)'
        database.run(sql, id, record.label, record.createdAt, JSON.stringify(record))
      })
    },
    remove(id) {
      database.run('DELETE FROM key_record WHERE id = ?', id)
    },
  }
}
