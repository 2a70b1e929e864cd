import { type DeliveryId, KeyferryError, type Ref } from '@keyferry/protocol'
import type { MadeOrder, OrderStore } from '../orders.ts'
import { integer, text } from './columns.ts'
import type { Database, Row } from './database.ts'

export function orderStore(database: Database): OrderStore {
  const find = (dl: DeliveryId, attempt: number): MadeOrder | null => {
    const row = database.get('SELECT * FROM made_order WHERE dl = ? AND attempt = ?', dl, attempt)
    return row === null ? null : fromRow(row)
  }
  return {
    find,
    put({ dl, attempt, ref, text: order, at }) {
      database.transaction(() => {
        const before = find(dl, attempt)
        if (before?.text === order) return
        if (before !== null) throw new KeyferryError('replayed', 'another order was made for this attempt')
        const sql = 'INSERT INTO made_order (dl, attempt, ref, text, at, done) VALUES (?, ?, ?, ?, ?, 0)'
        database.run(sql, dl, attempt, ref, order, at)
      })
    },
    markDone(dl, attempt) {
      database.run('UPDATE made_order SET done = 1 WHERE dl = ? AND attempt = ?', dl, attempt)
    },
    unsent: () => database.all('SELECT * FROM made_order WHERE done = 0 ORDER BY at, rowid').map(fromRow),
  }
}

function fromRow(row: Row): MadeOrder {
  return {
    dl: text(row, 'dl') as DeliveryId,
    attempt: integer(row, 'attempt'),
    ref: text(row, 'ref') as Ref,
    text: text(row, 'text'),
    at: integer(row, 'at'),
  }
}
