import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Query, SqlValue } from '../sql/compiled.ts'
import type { Runner } from '../sql/reader.ts'
import { setUpReading } from './pragmas.ts'

/** Reads on the thread that asks: a look-up by id takes microseconds, a trip to another thread tens of them. */
export interface SyncRunner extends Runner {
  /** From now on queries see what was committed until now. */
  refresh(): void
  close(): void
}

/**
 * A connection of its own that only reads. The queries of one turn of the event loop share a snapshot: to take and check one costs several
 * times what a look-up by id does. Whoever commits refreshes before he tells of it, so each query sees all that was acknowledged before it.
 */
export function openRunner(path: string): SyncRunner {
  const db = new DatabaseSync(path, { readOnly: true })
  setUpReading(db)
  const [begin, end] = ['BEGIN', 'COMMIT'].map((sql) => db.prepare(sql)) as [StatementSync, StatementSync]
  let snapshot = false
  function refresh(): void {
    if (!snapshot) return
    snapshot = false
    end.run()
  }
  function takeSnapshot(): void {
    if (snapshot) return
    begin.run()
    snapshot = true
    setImmediate(refresh)
  }
  const prepared = new Map<Query<never, unknown>, StatementSync>()
  function statementOf(query: Query<never, unknown>): StatementSync {
    takeSnapshot()
    let statement = prepared.get(query)
    if (statement === undefined) {
      statement = db.prepare(query.sql)
      // Rows as arrays are cheaper than as objects, and any database has them.
      statement.setReturnArrays(true)
      prepared.set(query, statement)
    }
    return statement
  }
  return {
    first: <V, R>(query: Query<V, R>, values: V) =>
      statementOf(query as Query<never, unknown>).get(...(query.bind(values) as SqlValue[])) as R | undefined,
    all: <V, R>(query: Query<V, R>, values: V) =>
      statementOf(query as Query<never, unknown>).all(...(query.bind(values) as SqlValue[])) as R[],
    refresh,
    close() {
      refresh()
      db.close()
    },
  }
}
