import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { isSystemError, syncFolder } from '@keyferry/files'
import { KeyferryError } from '@keyferry/protocol'
import { DeviceError } from '../../errors.ts'
import { makePrivateFile, makePrivateFolder, requirePrivate } from '../../files/private-place.ts'
import type { DeviceStore } from '../device-store.ts'
import { consentStore } from './consents.ts'
import {
  type Database,
  failingAsStore,
  isSqliteError,
  isUnwritable,
  type StoreHooks,
  sqliteDatabase,
} from './database.ts'
import { envelopeStore } from './envelopes.ts'
import { identityStore } from './identity.ts'
import { alarmStore, clockStore, refusalStore, unwrapFailureStore } from './journal.ts'
import { keyRecordStore } from './key-records.ts'
import { orderStore } from './orders.ts'
import { ownStatementStore } from './own-statements.ts'
import { pinStore } from './pins.ts'
import { questionStore } from './questions.ts'
import { receiptStore } from './receipts.ts'
import { replayStore } from './replay.ts'
import { migrate } from './schema.ts'
import { sealedKeyStore } from './sealed-keys.ts'
import { seenStore } from './seen.ts'
import { startedTransferStore } from './started.ts'
import { anchorStore, ruleStore, serverKeyStore } from './trust.ts'

export const DEVICE_DATABASE = 'device.db'
const BUSY_MILLISECONDS = 10_000
const NOT_A_DATABASE = 26
const CORRUPT = 11
const BUSY = 5

/**
 * Whether a profile folder holds a device.
 * @throws {DeviceError} `profile-unusable` if it is no folder; the system's error if it may not be looked into: that is no absence.
 */
export function hasDeviceStore(folder: string): boolean {
  try {
    statSync(join(folder, DEVICE_DATABASE))
    return true
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return false
    throw isSystemError(error, 'ENOTDIR') ? new DeviceError('profile-unusable', null, { cause: error }) : error
  }
}

/** Whether anything was ever written there: a file that somebody emptied is none. */
export function hasWrittenStore(folder: string): boolean {
  const path = join(folder, DEVICE_DATABASE)
  return hasDeviceStore(folder) && (statSync(path).size > 0 || holdsMore(`${path}-wal`))
}

/**
 * Opens the state of the device in a profile folder, and makes it if there is none. The folder is 0700, the file 0600.
 *
 * Whoever can change the file controls what this device believes, whoever can read it learns with whom it deals and, unless
 * a passphrase protects its master key, its keys.
 *
 * @throws {DeviceError} `permissions-too-open`, `profile-newer`, `profile-damaged`
 * @throws {KeyferryError} `store-failed`; where only writing is not possible, what is there can be read, and each write throws it.
 */
export function openDeviceStore(folder: string, hooks: StoreHooks = {}): DeviceStore {
  makePrivateFolder(folder)
  const path = join(folder, DEVICE_DATABASE)
  makePrivateFile(path)
  syncFolder(folder)
  // SQLite gives its write-ahead log the mode of the file; one that stood open before is refused.
  for (const beside of [`${path}-wal`, `${path}-shm`]) if (existsSync(beside)) requireIfThere(beside)
  return overDatabase(open(path, hooks))
}

/** The same in memory, for tests and for trying out: gone when closed. */
export function memoryDeviceStore(hooks: StoreHooks = {}): DeviceStore {
  return overDatabase(open(':memory:', hooks))
}

function open(path: string, hooks: StoreHooks): Database {
  try {
    return failingAsStore(() => overConnection(connect(path), hooks))
  } catch (error) {
    const cause = error instanceof KeyferryError ? error.cause : error
    if (isSqliteError(cause) && (cause.errcode === NOT_A_DATABASE || cause.errcode === CORRUPT)) {
      throw new DeviceError('profile-damaged', 'a copy would forget what it has seen: join again', { cause })
    }
    throw error
  }
}

/** Where nothing can be written there is no write-ahead log either: what a disk holds that nobody changes can still be looked at. */
function connect(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS, defensive: true })
  try {
    enterWal(db)
    db.exec('PRAGMA user_version')
    return db
  } catch (error) {
    db.close()
    if (!isSqliteError(error) || !isUnwritable(error.errcode) || holdsMore(`${path}-wal`)) throw error
    const unchanging = pathToFileURL(path)
    unchanging.searchParams.set('immutable', '1')
    return new DatabaseSync(unchanging, { readOnly: true, defensive: true })
  }
}

function holdsMore(log: string): boolean {
  return existsSync(log) && statSync(log).size > 0
}

function overConnection(db: DatabaseSync, hooks: StoreHooks): Database {
  try {
    db.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF')
    const database = sqliteDatabase(db, hooks)
    migrate(database, (sql) => db.exec(sql))
    return database
  } catch (error) {
    db.close()
    throw error
  }
}

/** Entering WAL mode needs the file for itself, and SQLite does not wait for that: two first openings at once meet here. */
function enterWal(db: DatabaseSync): void {
  const giveUpAt = performance.now() + BUSY_MILLISECONDS
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isSqliteError(error) || (error.errcode & 0xff) !== BUSY || performance.now() > giveUpAt) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

function requireIfThere(path: string): void {
  try {
    requirePrivate(path)
  } catch (error) {
    // Another process may just have closed the store, and with it the log.
    if (existsSync(path)) throw error
  }
}

function overDatabase(database: Database): DeviceStore {
  const identity = identityStore(database)
  const anchors = anchorStore(database)
  const pins = pinStore(database)
  return {
    identity,
    anchors,
    serverKeys: serverKeyStore(database),
    rules: ruleStore(database),
    pins,
    seen: seenStore(database, { identity, anchors, pins }),
    clock: clockStore(database),
    keys: keyRecordStore(database),
    sealedKeys: sealedKeyStore(database),
    consents: consentStore(database),
    ownStatements: ownStatementStore(database),
    started: startedTransferStore(database),
    orders: orderStore(database),
    envelopes: envelopeStore(database),
    receipts: receiptStore(database),
    replay: replayStore(database),
    questions: questionStore(database),
    refusals: refusalStore(database),
    alarms: alarmStore(database),
    unwrapFailures: unwrapFailureStore(database),
    transaction: (action) => database.transaction(action),
    close: () => database.close(),
  }
}
