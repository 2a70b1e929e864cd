import { type IfExists, isSystemError, writeFileAtomically as write } from '@keyferry/files'
import { DeviceError } from '../errors.ts'

export type { IfExists }

/**
 * Writes a file of mode 0600, whole or not at all, durable when it returns.
 * @throws {DeviceError} `file-exists`; nothing was changed then.
 */
export function writeFileAtomically(path: string, octets: Uint8Array, ifExists: IfExists): void {
  try {
    write(path, octets, ifExists)
  } catch (error) {
    throw isSystemError(error, 'EEXIST') ? new DeviceError('file-exists', null, { cause: error }) : error
  }
}
