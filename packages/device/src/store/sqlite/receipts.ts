import type { DeliveryId } from '@keyferry/protocol'
import type { AwaitedReceipt, ReceiptStore } from '../receipts.ts'
import { integer, text, textOrNull } from './columns.ts'
import type { Database, Row } from './database.ts'

export function receiptStore(database: Database): ReceiptStore {
  const row = (dl: DeliveryId, attempt: number): Row | null =>
    database.get('SELECT * FROM receipt WHERE dl = ? AND attempt = ?', dl, attempt)
  return {
    find(dl, attempt) {
      const found = row(dl, attempt)
      return found === null ? null : fromRow(found)
    },
    await(dl, attempt, dueAt) {
      database.run(
        `INSERT INTO receipt (dl, attempt, due_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (dl, attempt) DO UPDATE SET due_at = min(ifnull(due_at, ?3), ?3)`,
        dl,
        attempt,
        dueAt,
      )
    },
    keep(dl, attempt, ref, receipt) {
      return database.transaction(() => {
        const found = row(dl, attempt)
        const before = found === null ? null : textOrNull(found, 'ref')
        if (before !== null) return before === ref ? 'same' : 'different'
        database.run(
          `INSERT INTO receipt (dl, attempt, ref, text) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (dl, attempt) DO UPDATE SET ref = ?3, text = ?4`,
          dl,
          attempt,
          ref,
          receipt,
        )
        return 'first'
      })
    },
    waiting: () =>
      database
        .all('SELECT * FROM receipt WHERE text IS NULL AND due_at IS NOT NULL ORDER BY due_at, rowid')
        .map(fromRow),
    overdue: (now) =>
      database.all('SELECT * FROM receipt WHERE text IS NULL AND due_at <= ? ORDER BY due_at, rowid', now).map(fromRow),
    release(dl, attempt) {
      database.run('UPDATE receipt SET due_at = NULL WHERE dl = ? AND attempt = ?', dl, attempt)
    },
  }
}

function fromRow(row: Row): AwaitedReceipt {
  return {
    dl: text(row, 'dl') as DeliveryId,
    attempt: integer(row, 'attempt'),
    dueAt: row.due_at === null ? null : integer(row, 'due_at'),
    text: textOrNull(row, 'text'),
  }
}
