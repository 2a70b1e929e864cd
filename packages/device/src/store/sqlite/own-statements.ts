import { KeyferryError, type Ref } from '@keyferry/protocol'
import type { OwnStatement, OwnStatementStore } from '../own-statements.ts'
import { integer, text } from './columns.ts'
import type { Database, Row } from './database.ts'

export function ownStatementStore(database: Database): OwnStatementStore {
  const newest = (typ: OwnStatement['typ']): OwnStatement | null => {
    const row = database.get('SELECT * FROM own_statement WHERE typ = ? ORDER BY seq DESC LIMIT 1', typ)
    return row === null ? null : fromRow(row)
  }
  return {
    newest,
    list: (typ) => database.all('SELECT * FROM own_statement WHERE typ = ? ORDER BY seq', typ).map(fromRow),
    put({ typ, seq, ref, text: statement, at }) {
      database.transaction(() => {
        const last = newest(typ)
        if (last !== null && last.seq === seq && last.ref === ref) return
        if (last !== null && seq !== last.seq + 1)
          throw new KeyferryError('state-conflict', 'another one was signed meanwhile')
        const sql = 'INSERT INTO own_statement (typ, seq, ref, text, at, done) VALUES (?, ?, ?, ?, ?, 0)'
        database.run(sql, typ, seq, ref, statement, at)
      })
    },
    goOnFrom({ typ, seq, ref, text: statement, at }) {
      database.transaction(() => {
        database.run('DELETE FROM own_statement WHERE typ = ?', typ)
        const sql = 'INSERT INTO own_statement (typ, seq, ref, text, at, done) VALUES (?, ?, ?, ?, ?, 1)'
        database.run(sql, typ, seq, ref, statement, at)
      })
    },
    withdraw(typ, seq) {
      database.run('DELETE FROM own_statement WHERE typ = ? AND seq >= ? AND done = 0', typ, seq)
    },
    markDone(typ, seq) {
      database.run('UPDATE own_statement SET done = 1 WHERE typ = ? AND seq = ?', typ, seq)
    },
    unsent: () => database.all('SELECT * FROM own_statement WHERE done = 0 ORDER BY rowid').map(fromRow),
  }
}

function fromRow(row: Row): OwnStatement {
  return {
    typ: text(row, 'typ') as OwnStatement['typ'],
    seq: integer(row, 'seq'),
    ref: text(row, 'ref') as Ref,
    text: text(row, 'text'),
    at: integer(row, 'at'),
  }
}
