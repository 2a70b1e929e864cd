import { closeSync, constants, lstatSync, mkdirSync, openSync } from 'node:fs'
import { DeviceError } from '../errors.ts'
import { isCode } from './atomic-file.ts'

/**
 * Makes a folder that only its owner can enter (0700), or checks that an existing one is.
 * @throws {DeviceError} `permissions-too-open` if others can enter it, or it is somebody else's.
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  requirePrivate(path)
}

/** Makes an empty file of mode 0600, or checks that an existing one is. The umask cannot open it. */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600))
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    requirePrivate(path)
  }
}

/**
 * Refuses what others than its owner can read or change, as ssh does: keys that were readable for a while are not repaired
 * by a silent chmod, their owner has to know. Windows has no such bits; its profile folders are private by default.
 *
 * @throws {DeviceError} `permissions-too-open`
 */
export function requirePrivate(path: string): void {
  if (process.platform === 'win32') return
  const found = lstatSync(path)
  const mine = process.getuid === undefined || found.uid === process.getuid()
  if (found.isSymbolicLink() || !mine || (found.mode & 0o077) !== 0) {
    throw new DeviceError(
      'permissions-too-open',
      found.isSymbolicLink() || !mine
        ? 'use a folder of your own, not a link'
        : `if nobody else has read it: chmod ${found.isDirectory() ? '700' : '600'} ${path}`,
    )
  }
}
