import type { Row } from './database.ts'

/** Columns are STRICT, so their types are those of schema.ts; what we wrote ourselves is not checked again. */
export function text(row: Row, name: string): string {
  return row[name] as string
}

export function textOrNull(row: Row, name: string): string | null {
  return row[name] as string | null
}

export function integer(row: Row, name: string): number {
  return row[name] as number
}

export function integerOrNull(row: Row, name: string): number | null {
  return row[name] as number | null
}

export function blob(row: Row, name: string): Uint8Array {
  return row[name] as Uint8Array
}

/** The column `body`: a record as JSON. Columns beside it are those that are searched for. */
export function body<T>(row: Row): T {
  return JSON.parse(text(row, 'body')) as T
}
