import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KeyferryError } from '@keyferry/protocol'
import { SetupError } from '../../setup-error.ts'
import type { Change, Committed } from '../changes.ts'
import { groupCommit } from '../group-commit.ts'
import { sqliteColumnTypes } from '../migrations/column-types.ts'
import { migrate } from '../migrations/migrate.ts'
import { rowCache } from '../row-cache.ts'
import type { SqlValue, Write } from '../sql/compiled.ts'
import { sqlReader } from '../sql/reader.ts'
import { sqlReads } from '../sql/reads.ts'
import { sqlWrites } from '../sql/writes.ts'
import type { Store } from '../store.ts'
import { compilerOnly, kyselyOver } from './dialect.ts'
import type { UnitOutcome, WireStep, WireUnit } from './messages.ts'
import { setUpWriting } from './pragmas.ts'
import { becomeSingleOwner } from './single-owner.ts'
import { cannotOpen, unavailable } from './sqlite-errors.ts'
import { openRunner } from './sync-runner.ts'
import { startWriter, type WriterHandle } from './writer-handle.ts'

interface Unit {
  readonly changes: readonly Change[]
  readonly steps: WireUnit
}

/**
 * Opens, or makes, the database of a server: one file with mode 0600, and SQLite's `-wal` and `-shm` beside it. Whoever can read the
 * file reads who sends keys to whom, and wrapped keys that are under way; no key octets.
 * Only one process uses it at a time, so what was read stays true until this store writes.
 * @throws {SetupError} `data-in-use`
 * @throws {KeyferryError} `unavailable` if the folder or the file cannot be written; the message names it.
 */
export async function openSqliteStore(path: string): Promise<Store> {
  let giveBack: (() => void) | null = null
  try {
    makeFile(path)
    giveBack = becomeSingleOwner(path)
    await updateSchema(path)
  } catch (cause) {
    giveBack?.()
    if (cause instanceof SetupError) throw cause
    throw cannotOpen(path, cause)
  }
  const compiler = compilerOnly()
  const writes = sqlWrites(compiler)
  const numbers = new Map<Write<never>, number>(writes.all.map((write, number) => [write, number]))
  const setup = { path, writes: writes.all.map(({ sql, rules }) => ({ sql, rules })) }
  let writer: WriterHandle = await startWriter(setup)
  const runner = openRunner(path)
  const rows = rowCache(sqlReader(runner, sqlReads(compiler)))
  const group = groupCommit<Unit, Committed>({
    weigh: ({ steps }) =>
      steps.reduce((sum, step) => sum + step.reduce<number>((octets, value) => octets + sizeOf(value), 0), 0),
    async write(batch) {
      try {
        // A thread that broke down does not take the server with it.
        if (!writer.alive) writer = await startWriter(setup)
        const outcomes = (await writer.write(batch.map(({ steps }) => steps))).map(committedOr)
        batch.forEach(({ changes }, i) => {
          const outcome = outcomes[i]
          if (outcome !== undefined && !(outcome instanceof Error)) rows.committed(changes, outcome)
        })
        return outcomes
      } catch (error) {
        // What a disk that failed holds is seen by whoever reads again.
        rows.forget()
        throw error
      } finally {
        runner.refresh()
      }
    },
  })
  let closing: Promise<void> | null = null

  function toWire(change: Change): WireStep[] {
    return writes.stepsFor(change).map(({ write, values }) => [numbers.get(write) as number, ...values.map(ownOctets)])
  }

  return {
    read: rows.read,
    async commit(changes) {
      if (closing !== null) throw unavailable(null, 'the store is closed')
      const steps = changes.flatMap(toWire)
      return steps.length === 0 ? { leafIndexes: [] } : group.commit({ changes, steps })
    },
    close() {
      closing ??= (async () => {
        await group.idle()
        // The writer last: the last connection that may write removes the WAL.
        runner.close()
        await writer.close()
        giveBack()
      })()
      return closing
    },
  }
}

function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
}

/** Before the writer thread starts, so that the thread needs neither the migrations nor what builds queries. */
async function updateSchema(path: string): Promise<void> {
  const db = new DatabaseSync(path)
  try {
    setUpWriting(db)
    await migrate(kyselyOver(db), sqliteColumnTypes)
  } finally {
    db.close()
  }
}

function committedOr(outcome: UnitOutcome): Committed | Error {
  if (!('length' in outcome)) {
    return 'code' in outcome
      ? new KeyferryError(outcome.code, REASONS[outcome.code] ?? 'the unit of work cannot be written')
      : new Error(`the unit of work cannot be written: ${outcome.fault}`)
  }
  return { leafIndexes: outcome }
}

const REASONS: Readonly<Record<string, string>> = {
  'state-conflict': 'another writer was first',
  'key-in-use': 'the key has another role or holder here',
}

/** A view goes to another thread with all of the buffer that it lies in. */
function ownOctets(value: SqlValue): SqlValue {
  return value instanceof Uint8Array && value.length < value.buffer.byteLength ? new Uint8Array(value) : value
}

function sizeOf(value: SqlValue): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 8
}
