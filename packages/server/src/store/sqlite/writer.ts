import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorDetails, KeyferryError } from '@keyferry/protocol'
import type { Change } from '../changes.ts'
import type { Write } from '../sql/compiled.ts'
import { type Step, sqlWrites } from '../sql/writes.ts'
import { sqliteCompiler } from './compile-only.ts'
import { isOfUnit, openForWriting, storeError } from './database.ts'

/** Units of work that share a transaction. */
export interface Batch {
  readonly units: readonly (readonly Change[])[]
}

/** What became of each unit, in order; sent after the commit. */
export type UnitResult =
  | { readonly leafIndexes: readonly number[] }
  | {
      readonly failed: {
        readonly code: KeyferryError['code']
        readonly message: string
        readonly details: ErrorDetails
      }
    }

/** How long erased octets may stay in the write-ahead log while others keep writing. */
const ERASED_MILLISECONDS = 30_000
const IDLE_MILLISECONDS = 250

/** The only writer of the database: a thread of its own, so that waiting for the disk holds up nobody. */
function writer(database: DatabaseSync): (batch: Batch) => readonly UnitResult[] {
  const writes = sqlWrites(sqliteCompiler())
  const prepared = new Map<Write<never>, StatementSync>()
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const savepoint = database.prepare('SAVEPOINT unit')
  const release = database.prepare('RELEASE unit')
  const undo = database.prepare('ROLLBACK TO unit')

  function statementFor(write: Write<never>): StatementSync {
    const known = prepared.get(write)
    if (known !== undefined) return known
    const statement = database.prepare(write.sql)
    prepared.set(write, statement)
    return statement
  }

  function run({ write, values }: Step, leafIndexes: number[]): void {
    const statement = statementFor(write)
    if (write.rules.returnsLeafIndex === true) {
      leafIndexes.push(Number((statement.get(...values) as { idx: number }).idx))
      return
    }
    const { changes } = statement.run(...values)
    if (write.rules.unlessOne !== undefined && Number(changes) !== 1) {
      throw new KeyferryError(write.rules.unlessOne, 'another writer was first')
    }
  }

  function unit(changes: readonly Change[]): UnitResult {
    savepoint.run()
    const leafIndexes: number[] = []
    try {
      for (const change of changes) for (const step of writes.stepsFor(change)) run(step, leafIndexes)
      release.run()
      return { leafIndexes }
    } catch (cause) {
      const error = storeError(cause)
      if (!isOfUnit(error)) throw error
      undo.run()
      release.run()
      return failed(error)
    }
  }

  return ({ units }) => {
    try {
      begin.run()
      const results = units.map(unit)
      commit.run()
      return results
    } catch (cause) {
      if (database.isTransaction) database.exec('ROLLBACK')
      return units.map(() => failed(storeError(cause)))
    }
  }
}

function failed({ code, message, details }: KeyferryError): UnitResult {
  return { failed: { code, message, details } }
}

/** Empties the write-ahead log after something was erased: soon, when nobody writes, and before long in any case. */
function eraser(database: DatabaseSync): (batch: Batch) => void {
  let since: number | null = null
  let timer: NodeJS.Timeout | undefined
  function truncate(): void {
    try {
      const [row] = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all() as { busy: number }[]
      if (row?.busy === 0) since = null
    } catch {
      // A full disk: tried again with the next write.
    }
  }
  return ({ units }) => {
    const erases = units.some((changes) => changes.some(({ kind }) => kind === 'erase-envelopes'))
    if (erases) since ??= Date.now()
    if (since === null) return
    clearTimeout(timer)
    if (Date.now() - since > ERASED_MILLISECONDS) truncate()
    else timer = setTimeout(truncate, IDLE_MILLISECONDS)
  }
}

if (parentPort !== null) {
  const port = parentPort
  const database = openForWriting((workerData as { path: string }).path)
  const write = writer(database)
  const erase = eraser(database)
  port.on('message', (batch: Batch | 'close') => {
    if (batch === 'close') {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      database.close()
      port.close()
      return
    }
    port.postMessage(write(batch))
    erase(batch)
  })
}
