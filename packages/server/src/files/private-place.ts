import { exposureOf, makeFolder } from '@keyferry/files'
import { SetupError } from '../setup-error.ts'

/**
 * Makes a folder that only its owner can enter (0700), or checks that an existing one is.
 * @throws {SetupError} `permissions-too-open`
 */
export function makePrivateFolder(path: string): void {
  makeFolder(path)
  requirePrivate(path)
}

/**
 * Refuses what others than its owner can read or change.
 * @throws {SetupError} `permissions-too-open`
 */
export function requirePrivate(path: string): void {
  const exposure = exposureOf(path)
  if (exposure === null) return
  throw new SetupError(
    'permissions-too-open',
    exposure.kind === 'foreign'
      ? `${path} has to belong to you, and to be no link`
      : `if nobody else has read it: chmod ${exposure.chmod} ${path}`,
  )
}
