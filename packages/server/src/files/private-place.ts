import { lstatSync, mkdirSync } from 'node:fs'
import { SetupError } from '../setup-error.ts'

/**
 * Makes a folder that only its owner can enter (0700), or checks that an existing one is.
 * @throws {SetupError} `permissions-too-open`
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  requirePrivate(path)
}

/**
 * Refuses what others than its owner can read or change, as ssh does: keys that were readable for a while are not repaired
 * by a silent chmod, their owner has to know. Windows has no such bits; its profile folders are private by default.
 *
 * @throws {SetupError} `permissions-too-open`
 */
export function requirePrivate(path: string): void {
  if (process.platform === 'win32') return
  const found = lstatSync(path)
  const mine = process.getuid === undefined || found.uid === process.getuid()
  if (found.isSymbolicLink() || !mine) {
    throw new SetupError('permissions-too-open', `${path} has to belong to you, and to be no link`)
  }
  if ((found.mode & 0o077) !== 0) {
    const mode = found.isDirectory() ? '700' : '600'
    throw new SetupError('permissions-too-open', `if nobody else has read it: chmod ${mode} ${path}`)
  }
}
