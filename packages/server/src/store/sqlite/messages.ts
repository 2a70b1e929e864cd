import type { ErrorCode } from '@keyferry/protocol'
import type { SqlValue, WriteRules } from '../sql/compiled.ts'

/** What the store and its writer thread say to each other. One batch is under way at a time. */
export interface WriterSetup {
  readonly path: string
  readonly writes: readonly { readonly sql: string; readonly rules: WriteRules }[]
}

/** The number of a write in `WriterSetup.writes`, then its values. */
export type WireStep = readonly [write: number, ...values: SqlValue[]]
export type WireUnit = readonly WireStep[]

export type WriterRequest = readonly WireUnit[] | 'close'

/** The indexes its leaves were given, or why the unit wrote nothing. */
export type UnitOutcome = readonly number[] | { readonly code: ErrorCode } | { readonly fault: string }

/** `failed`: nothing of the batch was written; SQLite's extended result code. */
export type WriterReply =
  | { readonly outcomes: readonly UnitOutcome[] }
  | { readonly failed: { readonly errcode: number; readonly message: string } }
  | { readonly opened: true }
  | { readonly closed: true }
