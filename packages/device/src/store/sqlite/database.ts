import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { type ErrorDetails, KeyferryError } from '@keyferry/protocol'

export type Row = Record<string, SQLOutputValue>

/** What the rooms of the store write with: statements prepared once, and transactions in transactions. */
export interface Database {
  get(sql: string, ...values: readonly SQLInputValue[]): Row | null
  all(sql: string, ...values: readonly SQLInputValue[]): Row[]
  /** @returns how many rows it changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number
  /** See `DeviceStore.transaction`. */
  transaction<T>(action: () => T): T
  /** Reads of one moment; waits for no writer. */
  snapshot<T>(action: () => T): T
  /** Secrets were removed: once committed, they leave the write-ahead log too. */
  erased(): void
  close(): void
}

/** Lets tests fail or die where it hurts most. */
export interface StoreHooks {
  beforeCommit?(): void
  afterCommit?(): void
}

export function sqliteDatabase(db: DatabaseSync, hooks: StoreHooks = {}): Database {
  const prepared = new Map<string, StatementSync>()
  let depth = 0
  let erased = false

  function prepare(sql: string): StatementSync {
    let statement = prepared.get(sql)
    if (statement === undefined) {
      statement = db.prepare(sql)
      prepared.set(sql, statement)
    }
    return statement
  }

  function atomically<T>(begin: string, commit: () => void, rollback: string, action: () => T): T {
    db.exec(begin)
    depth++
    try {
      const result = action()
      // An awaiting action would go on after the commit, outside of any transaction.
      if (result instanceof Promise) throw new TypeError('a transaction is synchronous: await before it')
      commit()
      return result
    } catch (error) {
      if (db.isTransaction) db.exec(rollback)
      throw error
    } finally {
      depth--
    }
  }

  function outermost<T>(action: () => T): T {
    const commit = (): void => {
      hooks.beforeCommit?.()
      db.exec('COMMIT')
    }
    // IMMEDIATE: waits for other writers now, not in the middle.
    const result = failingAsStore(() => atomically('BEGIN IMMEDIATE', commit, 'ROLLBACK', action))
    if (erased) {
      erased = false
      failingAsStore(() => db.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    }
    hooks.afterCommit?.()
    return result
  }

  function nested<T>(action: () => T): T {
    const name = `level_${depth}`
    const undo = `ROLLBACK TO ${name}; RELEASE ${name}`
    return atomically(`SAVEPOINT ${name}`, () => db.exec(`RELEASE ${name}`), undo, action)
  }

  const transaction = <T>(action: () => T): T => (depth === 0 ? outermost(action) : nested(action))

  return {
    get: (sql, ...values) => failingAsStore(() => prepare(sql).get(...values) ?? null),
    all: (sql, ...values) => failingAsStore(() => prepare(sql).all(...values)),
    run: (sql, ...values) => failingAsStore(() => Number(prepare(sql).run(...values).changes)),
    transaction,
    snapshot(action) {
      if (depth > 0) return action()
      return failingAsStore(() => atomically('BEGIN', () => db.exec('COMMIT'), 'ROLLBACK', action))
    },
    erased() {
      if (depth === 0) failingAsStore(() => db.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
      else erased = true
    },
    close: () => db.close(),
  }
}

/**
 * Errors of SQLite may quote what was written: they are the cause, not the text.
 * @throws {KeyferryError} `store-failed`, with `reason` `disk-full` or `disk-read-only` where its human can do something about it
 */
export function failingAsStore<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!isSqliteError(error)) throw error
    const [text, details] = whyFailed(error.errcode)
    throw new KeyferryError('store-failed', text, details, { cause: error })
  }
}

const FULL = 13
/** The memory that processes share beside the database does not fit on the disk. */
const IOERR_SHMSIZE = 4874

function whyFailed(errcode: number): [text: string, details: ErrorDetails] {
  if (errcode === FULL || errcode === IOERR_SHMSIZE) {
    return ['the device cannot write its own state: the disk is full', { reason: 'disk-full' }]
  }
  if (isUnwritable(errcode)) return ['the device cannot write its own state', { reason: 'disk-read-only' }]
  return ['the device could not read or write its own state', {}]
}

const PERM = 3
const READONLY = 8
const CANTOPEN = 14

/** The file, its folder or the whole disk takes nothing from this user. */
export function isUnwritable(errcode: number): boolean {
  return [PERM, READONLY, CANTOPEN].includes(errcode & 0xff)
}

/** Result codes: https://www.sqlite.org/rescode.html */
export function isSqliteError(error: unknown): error is Error & { errcode: number } {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
}
