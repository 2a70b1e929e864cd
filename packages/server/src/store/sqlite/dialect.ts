import type { DatabaseSync } from 'node:sqlite'
import { DummyDriver, Kysely, SqliteAdapter, SqliteDialect, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { Tables } from '../sql/tables.ts'

/** SQLite takes changes of the schema back like any other. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** Kysely's own dialect over `node:sqlite`. Whoever calls closes the database. */
class NodeSqliteDialect extends SqliteDialect {
  constructor(db: DatabaseSync) {
    super({
      database: {
        close() {},
        prepare(sql) {
          const statement = db.prepare(sql)
          return {
            reader: statement.columns().length > 0,
            all: (values) => statement.all(...(values as string[])),
            run: (values) => statement.run(...(values as string[])),
            iterate: (values) => statement.iterate(...(values as string[])),
          }
        },
      },
    })
  }
  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter()
  }
}

/** For migrations: runs what it compiles, on this connection. */
export function kyselyOver(db: DatabaseSync): Kysely<unknown> {
  return new Kysely({ dialect: new NodeSqliteDialect(db) })
}

/** For queries that are compiled once and run elsewhere. */
export function compilerOnly(): Kysely<Tables> {
  return new Kysely({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  })
}
