import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DEVICE_DATABASE, MASTER_KEY_FILE, TLS_CA_FILE } from '@keyferry/device'

const FILES = [DEVICE_DATABASE, `${DEVICE_DATABASE}-wal`, `${DEVICE_DATABASE}-shm`, MASTER_KEY_FILE, TLS_CA_FILE]

/** Removes the files of a device that nobody knows yet. */
export function discardProfile(folder: string): void {
  for (const name of FILES) rmSync(join(folder, name), { force: true })
}

/** A folder with nothing in it needs not stay. */
export function removeIfEmpty(folder: string): void {
  try {
    if (readdirSync(folder).length === 0) rmdirSync(folder)
  } catch {
    // It was never made.
  }
}
