import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { KeyferryError } from '@keyferry/protocol'
import { Kysely, SqliteDialect } from 'kysely'
import { sqliteColumnTypes } from '../migrations/column-types.ts'
import { migrate } from '../migrations/migrate.ts'

const BUSY_MILLISECONDS = 5000
/** A commit is on the disk when it returns; what is deleted is overwritten. */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA secure_delete = ON;
  PRAGMA foreign_keys = ON;
  PRAGMA busy_timeout = ${BUSY_MILLISECONDS};`

/** For the one writer. */
export function openForWriting(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  database.exec(PRAGMAS)
  return database
}

export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true })
  database.exec(`PRAGMA busy_timeout = ${BUSY_MILLISECONDS};`)
  return database
}

/** Makes the file if there is none, and brings its schema up to date. */
export async function prepareDatabase(path: string): Promise<void> {
  const database = openForWriting(path)
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: likeBetterSqlite(database) }) })
  try {
    await migrate(db, sqliteColumnTypes)
  } finally {
    await db.destroy()
  }
}

/** The few methods that Kysely's dialect for SQLite calls. */
function likeBetterSqlite(database: DatabaseSync): ConstructorParameters<typeof SqliteDialect>[0]['database'] & object {
  return {
    close: () => database.close(),
    prepare(sql: string) {
      const statement = database.prepare(sql)
      const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...values(parameters)),
        run(parameters) {
          const { changes, lastInsertRowid } = statement.run(...values(parameters))
          return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) }
        },
        iterate: (parameters) => statement.iterate(...values(parameters)),
      }
    },
  } as ConstructorParameters<typeof SqliteDialect>[0]['database'] & object
}

const CONSTRAINT = 19
const RETRY_AFTER_SECONDS = 5

/** What SQLite threw, as the port says it: another writer was first, or nothing can be written now. */
export function storeError(error: unknown): KeyferryError {
  if (error instanceof KeyferryError) return error
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  if (code === CONSTRAINT) return new KeyferryError('state-conflict', 'another writer was first', {}, { cause: error })
  const details = { retryAfter: RETRY_AFTER_SECONDS }
  return new KeyferryError('unavailable', 'nothing can be written now', details, { cause: error })
}

/** Whether it concerns one unit of work only, and not the disk. */
export function isOfUnit(error: KeyferryError): boolean {
  return error.code !== 'unavailable'
}
