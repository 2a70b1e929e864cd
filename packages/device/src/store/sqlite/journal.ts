import { type JsonValue, KeyferryError } from '@keyferry/protocol'
import type { Alarm, AlarmStore, ClockStore, Refusal, RefusalStore, UnwrapFailureStore } from '../journal.ts'
import { body, integer, text } from './columns.ts'
import type { Database, Row } from './database.ts'

export function refusalStore(database: Database): RefusalStore {
  return {
    append(refusal) {
      database.run('INSERT INTO refusal (at, body) VALUES (?, ?)', refusal.at, JSON.stringify(refusal))
    },
    list: (limit) => database.all('SELECT body FROM refusal ORDER BY id DESC LIMIT ?', limit).map(body<Refusal>),
    forget(before) {
      database.run('DELETE FROM refusal WHERE at < ?', before)
    },
  }
}

export function alarmStore(database: Database): AlarmStore {
  return {
    raise({ reason, subject, facts, at }) {
      const sql = 'INSERT OR IGNORE INTO alarm (reason, subject, facts, at) VALUES (?, ?, ?, ?)'
      return database.run(sql, reason, subject, JSON.stringify(facts), at) === 1
    },
    wasRaised({ reason, subject, facts }) {
      const sql = 'SELECT 1 FROM alarm WHERE reason = ? AND subject = ? AND facts = ?'
      return database.get(sql, reason, subject, JSON.stringify(facts)) !== null
    },
    open: () => database.all('SELECT * FROM alarm WHERE acknowledged_at IS NULL ORDER BY id').map(alarmFromRow),
    acknowledge(id, at) {
      const sql = 'UPDATE alarm SET acknowledged_at = ? WHERE id = ? AND acknowledged_at IS NULL'
      if (database.run(sql, at, id) === 0) throw new KeyferryError('not-found', 'no open alarm of this number')
    },
  }
}

function alarmFromRow(row: Row): Alarm {
  return {
    id: integer(row, 'id'),
    reason: text(row, 'reason'),
    subject: text(row, 'subject'),
    facts: JSON.parse(text(row, 'facts')) as JsonValue,
    at: integer(row, 'at'),
  }
}

export function unwrapFailureStore(database: Database): UnwrapFailureStore {
  return {
    count(owner) {
      const row = database.get('SELECT count FROM unwrap_failure WHERE owner = ?', owner)
      return row === null ? 0 : integer(row, 'count')
    },
    add(owner) {
      const sql =
        'INSERT INTO unwrap_failure (owner, count) VALUES (?, 1) ON CONFLICT (owner) DO UPDATE SET count = count + 1'
      database.run(sql, owner)
    },
    reset(owner) {
      database.run('DELETE FROM unwrap_failure WHERE owner = ?', owner)
    },
  }
}

export function clockStore(database: Database): ClockStore {
  const last = (): number => {
    const row = database.get('SELECT last FROM clock WHERE one = 1')
    return row === null ? 0 : integer(row, 'last')
  }
  return {
    last,
    raise(to) {
      if (to > last()) {
        const sql = 'INSERT INTO clock (one, last) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET last = max(last, ?1)'
        database.run(sql, to)
      }
      return last()
    },
  }
}
