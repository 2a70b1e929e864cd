import { chmodSync, closeSync, openSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Query } from '../sql/compiled.ts'
import { type Runner, sqlReader } from '../sql/reader.ts'
import { sqlReads } from '../sql/reads.ts'
import type { Store } from '../store.ts'
import { sqliteCompiler } from './compile-only.ts'
import { openForReading, prepareDatabase, storeError } from './database.ts'
import { groupCommit } from './group-commit.ts'

/**
 * `Store` in one SQLite file (0600, WAL, `synchronous=FULL`, `secure_delete`). Reads run here on a connection of their own and see each
 * commit as soon as it was answered; the only writer is a thread.
 * @throws {KeyferryError} `unavailable` when the file cannot be opened or written.
 */
export async function openSqliteStore(path: string): Promise<Store> {
  try {
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    await prepareDatabase(path)
    const database = openForReading(path)
    const writer = groupCommit(path)
    return {
      read: sqlReader(runner(database), sqlReads(sqliteCompiler())),
      commit: (changes) => writer.commit(changes),
      async close() {
        database.close()
        await writer.close()
      },
    }
  } catch (error) {
    throw storeError(error)
  }
}

function runner(database: DatabaseSync): Runner {
  const prepared = new Map<string, StatementSync>()
  function statementFor(sql: string): StatementSync {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    prepared.set(sql, statement)
    return statement
  }
  return {
    first<V, R>(query: Query<V, R>, values: V): R | undefined {
      return statementFor(query.sql).get(...query.bind(values)) as R | undefined
    },
    all<V, R>(query: Query<V, R>, values: V): readonly R[] {
      return statementFor(query.sql).all(...query.bind(values)) as R[]
    },
  }
}
