import { join } from 'node:path'
import { holdExclusively } from '@keyferry/files'
import { DeviceError } from '../errors.ts'
import { makePrivateFile } from '../files/private-place.ts'

const LOCK_FILE = 'agent.lock'

/**
 * Makes this the only agent of the device in `folder`, until the answer is called or the process ends.
 * @throws {DeviceError} `agent-running`
 */
export function becomeSingleAgent(folder: string): () => void {
  const path = join(folder, LOCK_FILE)
  makePrivateFile(path)
  const end = holdExclusively(path)
  if (end === null)
    throw new DeviceError('agent-running', 'it does all that there is to do: let it run, or stop it first')
  return end
}
