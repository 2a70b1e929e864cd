import {
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  KeyferryError,
  type Ref,
  readStatement,
  type Statement,
  type StatementType,
} from '@keyferry/protocol'
import { boundedCache } from '../bounded-cache.ts'
import type { Reader } from '../store/store.ts'

/**
 * Statements parsed once. A ref names its octets for ever, so entries never go stale; whether a statement still counts is in
 * the rows, which are read each time.
 */
export interface StatementCache {
  /** @throws {KeyferryError} `unavailable` if the store does not hold what a row names. */
  device(ref: Ref): Promise<Statement<DevicePayload>>
  deviceSet(ref: Ref): Promise<Statement<DeviceSetPayload>>
  read<P>(type: StatementType<P>, ref: Ref): Promise<Statement<P>>
  /** What was just stored need not be read again. */
  keep(statement: Statement<unknown>): void
}

export function statementCache(reader: Pick<Reader, 'statement'>, entries = 4096): StatementCache {
  const known = boundedCache<Ref, Statement<unknown>>(entries)
  async function read<P>(type: StatementType<P>, ref: Ref): Promise<Statement<P>> {
    const hit = known.get(ref)
    if (hit !== undefined && hit.typ === type.typ) return hit as Statement<P>
    const row = await reader.statement(ref)
    if (row === null) throw new KeyferryError('unavailable', 'a statement is missing', { retryAfter: 60 })
    const statement = readStatement(type, row.text)
    known.set(ref, statement)
    return statement
  }
  return {
    read,
    device: (ref) => read(deviceStatement, ref),
    deviceSet: (ref) => read(deviceSetStatement, ref),
    keep: (statement) => known.set(statement.ref, statement),
  }
}
