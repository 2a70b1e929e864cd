import { type DeliveryId, equalJson, KeyferryError, type KeyId, type Ref } from '@keyferry/protocol'
import type { Outcome, ReplayEntry, ReplayStore } from '../replay.ts'
import { integer, integerOrNull, text, textOrNull } from './columns.ts'
import type { Database, Row } from './database.ts'

export function replayStore(database: Database): ReplayStore {
  const find = (dl: DeliveryId, attempt: number): ReplayEntry | null => {
    const row = database.get('SELECT * FROM replay WHERE dl = ? AND attempt = ?', dl, attempt)
    return row === null ? null : fromRow(row)
  }
  const lastGeneration = (key: KeyId): number | null => {
    const row = database.get('SELECT generation FROM generation WHERE key = ?', key)
    return row === null ? null : integer(row, 'generation')
  }
  return {
    find,
    record(entry) {
      database.transaction(() => {
        const before = find(entry.dl, entry.attempt)
        if (before !== null && isSame(before, entry)) return
        if (before !== null && (before.outcome.kind !== 'pending' || before.envelope !== entry.envelope)) {
          throw new KeyferryError('replayed', 'this attempt has another outcome')
        }
        putEntry(database, entry)
      })
    },
    markDone(dl, attempt) {
      database.run(`UPDATE replay SET done = 1 WHERE dl = ? AND attempt = ? AND kind <> 'pending'`, dl, attempt)
    },
    unsent: () => database.all(`SELECT * FROM replay WHERE done = 0 AND kind <> 'pending' ORDER BY rowid`).map(fromRow),
    pending: () => database.all(`SELECT * FROM replay WHERE kind = 'pending' ORDER BY rowid`).map(fromRow),
    forget(now) {
      database.run(`DELETE FROM replay WHERE keep_until < ? AND kind <> 'pending'`, now)
    },
    lastGeneration,
    accept(key, generation, redelivery) {
      database.transaction(() => {
        const last = lastGeneration(key) ?? 0
        if (generation < last) throw new KeyferryError('generation-old', 'a newer generation was accepted')
        if (generation === last && !redelivery) {
          throw new KeyferryError('already-installed', 'this generation was accepted before')
        }
        database.run('INSERT OR REPLACE INTO generation (key, generation) VALUES (?, ?)', key, generation)
      })
    },
  }
}

function isSame(a: ReplayEntry, b: ReplayEntry): boolean {
  return a.envelope === b.envelope && equalJson(a.outcome, b.outcome)
}

function putEntry(database: Database, { dl, attempt, envelope, outcome, keepUntil }: ReplayEntry): void {
  // An upsert keeps the rowid, and so the order in which they are sent.
  database.run(
    `INSERT INTO replay (dl, attempt, envelope, kind, outcome, keep_until, done) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
     ON CONFLICT (dl, attempt) DO UPDATE SET kind = ?4, outcome = ?5, keep_until = ?6`,
    dl,
    attempt,
    envelope,
    outcome.kind,
    JSON.stringify(outcome),
    keepUntil,
  )
}

function fromRow(row: Row): ReplayEntry {
  return {
    dl: text(row, 'dl') as DeliveryId,
    attempt: integer(row, 'attempt'),
    envelope: textOrNull(row, 'envelope') as Ref | null,
    outcome: JSON.parse(text(row, 'outcome')) as Outcome,
    keepUntil: integerOrNull(row, 'keep_until'),
  }
}
