import { type IfExists, isSystemError, writeFileAtomically as write } from '@keyferry/files'
import { SetupError } from '../setup-error.ts'

/**
 * Writes a file of mode 0600, whole or not at all, durable when it returns.
 * @throws {SetupError} `file-exists`; nothing was changed then.
 */
export function writeFileAtomically(path: string, octets: Uint8Array, ifExists: IfExists): void {
  try {
    write(path, octets, ifExists)
  } catch (error) {
    throw isSystemError(error, 'EEXIST') ? new SetupError('file-exists', `look at ${path}`, { cause: error }) : error
  }
}
