import { type DeliveryId, equalJson, type JsonValue, KeyferryError } from '@keyferry/protocol'
import type { Decision, Question, QuestionKind, QuestionStore } from '../questions.ts'
import { integer, text, textOrNull } from './columns.ts'
import type { Database, Row } from './database.ts'

export function questionStore(database: Database): QuestionStore {
  const find = (dl: DeliveryId, attempt: number, kind: QuestionKind): Question | null => {
    const sql = 'SELECT * FROM question WHERE dl = ? AND attempt = ? AND kind = ?'
    const row = database.get(sql, dl, attempt, kind)
    return row === null ? null : fromRow(row)
  }
  return {
    find,
    open: () => database.all('SELECT * FROM question WHERE decision IS NULL ORDER BY asked_at, rowid').map(fromRow),
    ask({ dl, attempt, kind, facts, askedAt, until }) {
      database.transaction(() => {
        const before = find(dl, attempt, kind)
        if (before !== null && equalJson(before.facts, facts)) return
        database.run(
          `INSERT OR REPLACE INTO question (dl, attempt, kind, facts, asked_at, until, decision)
           VALUES (?, ?, ?, ?, ?, ?, NULL)`,
          dl,
          attempt,
          kind,
          JSON.stringify(facts),
          askedAt,
          until,
        )
      })
    },
    decide(shown, decision) {
      database.transaction(() => {
        const now = find(shown.dl, shown.attempt, shown.kind)
        if (now === null || now.decision !== null || !equalJson(now.facts, shown.facts)) {
          throw new KeyferryError('state-conflict', 'this is no longer what was asked')
        }
        const sql = 'UPDATE question SET decision = ? WHERE dl = ? AND attempt = ? AND kind = ?'
        database.run(sql, JSON.stringify(decision), shown.dl, shown.attempt, shown.kind)
      })
    },
    close(dl, attempt) {
      database.run('DELETE FROM question WHERE dl = ? AND attempt = ?', dl, attempt)
    },
    forget(now) {
      database.run('DELETE FROM question WHERE until <= ?', now)
    },
  }
}

function fromRow(row: Row): Question {
  const decision = textOrNull(row, 'decision')
  return {
    dl: text(row, 'dl') as DeliveryId,
    attempt: integer(row, 'attempt'),
    kind: text(row, 'kind') as QuestionKind,
    facts: JSON.parse(text(row, 'facts')) as JsonValue,
    askedAt: integer(row, 'asked_at'),
    until: integer(row, 'until'),
    decision: decision === null ? null : (JSON.parse(decision) as Decision),
  }
}
