import { closeSync, constants, openSync } from 'node:fs'
import { exposureOf, isSystemError, makeFolder } from '@keyferry/files'
import { DeviceError } from '../errors.ts'

/**
 * Makes a folder that only its owner can enter (0700), or checks that an existing one is.
 * @throws {DeviceError} `permissions-too-open` if others can enter it, or it is somebody else's.
 */
export function makePrivateFolder(path: string): void {
  makeFolder(path)
  requirePrivate(path)
}

/** Makes an empty file of mode 0600, or checks that an existing one is. The umask cannot open it. */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600))
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error
    requirePrivate(path)
  }
}

/**
 * Refuses what others than its owner can read or change.
 * @throws {DeviceError} `permissions-too-open`
 */
export function requirePrivate(path: string): void {
  const exposure = exposureOf(path)
  if (exposure === null) return
  throw new DeviceError(
    'permissions-too-open',
    exposure.kind === 'foreign'
      ? 'use a folder of your own, not a link'
      : `if nobody else has read it: chmod ${exposure.chmod} ${path}`,
  )
}
