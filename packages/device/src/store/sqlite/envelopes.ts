import { type DeliveryId, KeyferryError, type Ref } from '@keyferry/protocol'
import type { EnvelopeStore, MadeEnvelope } from '../envelopes.ts'
import { blob, integer, text, textOrNull } from './columns.ts'
import type { Database, Row } from './database.ts'

const DAY_SECONDS = 86_400

export function envelopeStore(database: Database): EnvelopeStore {
  const find = (dl: DeliveryId, attempt: number): MadeEnvelope | null => {
    const row = database.get('SELECT * FROM envelope WHERE dl = ? AND attempt = ?', dl, attempt)
    return row === null ? null : fromRow(row)
  }
  return {
    find,
    put(envelope) {
      const { dl, attempt, ref, octets, grant, at } = envelope
      database.transaction(() => {
        const before = find(dl, attempt)
        if (before !== null && Buffer.compare(before.octets, octets) === 0) return
        if (before !== null) throw new KeyferryError('replayed', 'another envelope was made for this attempt')
        const sql = 'INSERT INTO envelope (dl, attempt, ref, octets, grant_ref, at, done) VALUES (?, ?, ?, ?, ?, ?, 0)'
        database.run(sql, dl, attempt, ref, octets, grant, at)
      })
    },
    markDone(dl, attempt) {
      database.run('UPDATE envelope SET done = 1 WHERE dl = ? AND attempt = ?', dl, attempt)
    },
    unsent: () => database.all('SELECT * FROM envelope WHERE done = 0 ORDER BY at, rowid').map(fromRow),
    countOfDay(grant, at) {
      const from = at - (at % DAY_SECONDS)
      const sql = 'SELECT count(*) AS count FROM envelope WHERE grant_ref = ? AND at >= ? AND at < ?'
      return integer(database.get(sql, grant, from, from + DAY_SECONDS) ?? { count: 0 }, 'count')
    },
  }
}

function fromRow(row: Row): MadeEnvelope {
  return {
    dl: text(row, 'dl') as DeliveryId,
    attempt: integer(row, 'attempt'),
    ref: text(row, 'ref') as Ref,
    octets: blob(row, 'octets'),
    grant: textOrNull(row, 'grant_ref') as Ref | null,
    at: integer(row, 'at'),
  }
}
