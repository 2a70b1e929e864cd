import { type Kysely, type Migration, Migrator } from 'kysely'
import type { ColumnTypes } from './column-types.ts'
import { migration0001 } from './migration-0001.ts'

type MigrationStep = (db: Kysely<unknown>, types: ColumnTypes) => Promise<void>

/**
 * In order, for ever. A migration only adds: it runs while servers of the version before still work on the same database. What is no
 * longer used is dropped one release later.
 */
const MIGRATIONS: Readonly<Record<string, MigrationStep>> = { '0001': migration0001 }

/** Brings the schema up to date, all or nothing. */
export async function migrate(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  const known = Object.entries(MIGRATIONS).map(([name, up]): [string, Migration] => [
    name,
    { up: (to) => up(to, types) },
  ])
  // Asked before the migrator takes the one connection that SQLite has.
  const migrations = { ...(await madeByNewer(db)), ...Object.fromEntries(known) }
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

/** After a downgrade the database is ahead of this server. As migrations only add, it goes on with what it knows. */
async function madeByNewer(db: Kysely<unknown>): Promise<Record<string, Migration>> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return {}
  const done = await (db as Kysely<{ kysely_migration: { name: string } }>)
    .selectFrom('kysely_migration')
    .select('name')
    .execute()
  return Object.fromEntries(done.map(({ name }) => [name, { up: async () => {} }]))
}
