import type { ErrorCode } from '@keyferry/protocol'
import { type Compilable, type RawBuilder, sql } from 'kysely'

export type SqlValue = string | number | null | Uint8Array

/** A query compiled once. `Row` is the tuple of its select list. */
export interface Query<Values, Row> {
  readonly sql: string
  bind(values: Values): SqlValue[]
  /** Only for the compiler: what a row of this query holds. */
  readonly row?: Row
}

/** A write compiled once. */
export interface Write<Values> extends Query<Values, unknown> {
  readonly rules: WriteRules
}

export interface WriteRules {
  /** What it means if no row was written. Without it that is fine. */
  readonly unlessOne?: ErrorCode
  /** It answers with the index that a leaf was given. */
  readonly returnsLeafIndex?: true
  /** It erases a secret: the database must leave no copy of it behind. */
  readonly erases?: true
}

/** Stands for a value that comes with each run. */
class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/**
 * Compiles a query at start-up, so that running it costs an array and not a query builder.
 * @param build - Gets slots by name in place of values; it runs once, so it must not look at them.
 */
export function compiled<Values, Row>(build: (slots: Values) => Compilable): Query<Values, Row> {
  const slots = new Proxy({}, { get: (_, name) => new Slot(String(name)) })
  const { sql, parameters } = build(slots as Values).compile()
  return {
    sql,
    bind: (values) =>
      parameters.map((slot) => (slot instanceof Slot ? values[slot.name as keyof Values] : slot) as SqlValue),
  }
}

export function compiledWrite<Values>(build: (slots: Values) => Compilable, rules: WriteRules = {}): Write<Values> {
  return { ...compiled(build), rules }
}

/**
 * SQLite plans a query anew each time a value is bound to a bare `limit ?`, which costs more than to run it; a sum it leaves for the run.
 */
export function atMost(limit: number): RawBuilder<number> {
  return sql<number>`${limit} + 0`
}
