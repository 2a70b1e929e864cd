import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { WriteRules } from '../sql/compiled.ts'
import { errcodeOf, isOutage, isUniqueViolation } from './error-codes.ts'
import type { UnitOutcome, WireUnit, WriterReply, WriterSetup } from './messages.ts'
import { setUpWriting, truncateWal } from './pragmas.ts'

/** Writes batches. Lives in the writer thread, which is the only one that writes to the database. */
export interface Writer {
  /** One transaction, durable when it returns. A unit that cannot be written leaves nothing and the others as they are. */
  write(units: readonly WireUnit[]): WriterReply
  /** Whether something was erased that the WAL file may still hold. */
  readonly erased: boolean
  /** Empties the WAL file. */
  tidy(): void
  close(): void
}

interface Prepared extends WriteRules {
  readonly statement: StatementSync
}

export function openWriter(setup: WriterSetup): Writer {
  const db = new DatabaseSync(setup.path)
  setUpWriting(db)
  const prepared = setup.writes.map(({ sql, rules }): Prepared => ({ statement: db.prepare(sql), ...rules }))
  const [begin, commit, rollback, savepoint, release, back] = [
    'BEGIN IMMEDIATE',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT unit',
    'RELEASE unit',
    'ROLLBACK TO unit',
  ].map((sql) => db.prepare(sql)) as [
    StatementSync,
    StatementSync,
    StatementSync,
    StatementSync,
    StatementSync,
    StatementSync,
  ]
  // A crash may have left in the WAL what was erased before it.
  let erased = !truncateWal(db)

  /** @returns what was wrong with it; its first part may have been written all the same. */
  function writeSteps(unit: WireUnit): UnitOutcome {
    try {
      const leafIndexes: number[] = []
      for (const [number, ...values] of unit) {
        const { statement, unlessOne, returnsLeafIndex, erases } = prepared[number] as Prepared
        if (returnsLeafIndex) {
          leafIndexes.push(statement.get(...values)?.idx as number)
          continue
        }
        const { changes } = statement.run(...values)
        if (unlessOne !== undefined && changes !== 1) return { code: unlessOne }
        if (erases) erased = true
      }
      return leafIndexes
    } catch (error) {
      const errcode = errcodeOf(error)
      if (isOutage(errcode)) throw error
      return isUniqueViolation(errcode) ? { code: 'state-conflict' } : { fault: messageOf(error) }
    }
  }

  /** All of them, or null and nothing: one was bad. */
  function writeAll(units: readonly WireUnit[]): readonly UnitOutcome[] | null {
    begin.run()
    const outcomes: UnitOutcome[] = []
    for (const unit of units) {
      const outcome = writeSteps(unit)
      if (isBad(outcome)) {
        rollback.run()
        return null
      }
      outcomes.push(outcome)
    }
    commit.run()
    return outcomes
  }

  /** Each by itself: a savepoint makes SQLite copy each page that it changes, so this is for batches in which one was bad. */
  function writeEach(units: readonly WireUnit[]): readonly UnitOutcome[] {
    begin.run()
    const outcomes = units.map((unit) => {
      savepoint.run()
      const outcome = writeSteps(unit)
      if (isBad(outcome)) back.run()
      release.run()
      return outcome
    })
    commit.run()
    return outcomes
  }

  return {
    write(units) {
      try {
        return { outcomes: writeAll(units) ?? writeEach(units) }
      } catch (error) {
        // Some failures of the disk end the transaction by themselves.
        if (db.isTransaction) db.exec('ROLLBACK')
        return { failed: { errcode: errcodeOf(error) ?? 0, message: messageOf(error) } }
      }
    },
    get erased() {
      return erased
    },
    tidy() {
      erased = !truncateWal(db)
    },
    close() {
      truncateWal(db)
      db.close()
    },
  }
}

function isBad(outcome: UnitOutcome): boolean {
  return !('length' in outcome)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
