import { type CreateTableBuilder, sql } from 'kysely'

/** Where the databases call one thing by different names. */
export interface ColumnTypes {
  /** Type of a column of octets. */
  readonly octets: 'blob' | 'bytea'
  /** Adds the primary key that the database counts up in the order of insertion. */
  rowNumber<T extends string, C extends string>(table: CreateTableBuilder<T, C>, name: C): CreateTableBuilder<T, C>
  /** The same; and a number never comes again, also if its row was deleted. */
  counter<T extends string, C extends string>(table: CreateTableBuilder<T, C>, name: C): CreateTableBuilder<T, C>
  /** Rows live in the tree of their primary key where the database can do that: small rows, one page to touch instead of two. */
  clustered<T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C>
}

export const sqliteColumnTypes: ColumnTypes = {
  octets: 'blob',
  rowNumber: (table, name) => table.addColumn(name, 'integer', (c) => c.primaryKey().notNull()),
  counter: (table, name) => table.addColumn(name, 'integer', (c) => c.primaryKey().autoIncrement().notNull()),
  clustered: (table) => table.modifyEnd(sql`without rowid`),
}
