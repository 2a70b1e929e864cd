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
  const [begin, commit, savepoint, release, back] = [
    'BEGIN IMMEDIATE',
    'COMMIT',
    'SAVEPOINT unit',
    'RELEASE unit',
    'ROLLBACK TO unit',
  ].map((sql) => db.prepare(sql)) as [StatementSync, StatementSync, StatementSync, StatementSync, StatementSync]
  // A crash may have left in the WAL what was erased before it.
  let erased = !truncateWal(db)

  function writeUnit(unit: WireUnit): UnitOutcome {
    savepoint.run()
    try {
      const leafIndexes: number[] = []
      for (const [number, ...values] of unit) {
        const { statement, unlessOne, returnsLeafIndex, erases } = prepared[number] as Prepared
        if (returnsLeafIndex) {
          leafIndexes.push(statement.get(...values)?.idx as number)
          continue
        }
        const { changes } = statement.run(...values)
        if (unlessOne !== undefined && changes !== 1) return takeBack({ code: unlessOne })
        if (erases) erased = true
      }
      release.run()
      return leafIndexes
    } catch (error) {
      const errcode = errcodeOf(error)
      if (isOutage(errcode)) throw error
      return takeBack(isUniqueViolation(errcode) ? { code: 'state-conflict' } : { fault: messageOf(error) })
    }
  }

  function takeBack(outcome: UnitOutcome): UnitOutcome {
    back.run()
    release.run()
    return outcome
  }

  return {
    write(units) {
      try {
        begin.run()
        const outcomes = units.map(writeUnit)
        commit.run()
        return { outcomes }
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
