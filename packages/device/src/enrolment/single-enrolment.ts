import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { holdExclusively } from '@keyferry/files'
import { DeviceError } from '../errors.ts'
import { makePrivateFile, makePrivateFolder } from '../files/private-place.ts'

const LOCK_FILE = 'enrolment.lock'

/**
 * Makes this the only one that makes a device in `folder`, until the answer is called or the process ends.
 * @throws {DeviceError} `enrolment-running`
 */
export function becomeSingleEnrolment(folder: string): () => void {
  makePrivateFolder(folder)
  const path = join(folder, LOCK_FILE)
  makePrivateFile(path)
  const end = holdExclusively(path)
  if (end === null) {
    throw new DeviceError('enrolment-running', 'wait until it has ended, or name another folder: --profile FOLDER')
  }
  return () => {
    // While it is held: whoever comes now makes another file.
    if (process.platform !== 'win32') rmSync(path, { force: true })
    end()
    rmSync(path, { force: true })
  }
}
