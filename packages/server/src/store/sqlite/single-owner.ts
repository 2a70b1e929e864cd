import { chmodSync, closeSync, openSync } from 'node:fs'
import { holdExclusively } from '@keyferry/files'
import { SetupError } from '../../setup-error.ts'

/**
 * Makes this process the only one that uses the database at `path`, until the answer is called or the process ends: it holds a file
 * `<path>.lock` beside it.
 * @throws {SetupError} `data-in-use`
 */
export function becomeSingleOwner(path: string): () => void {
  const file = `${path}.lock`
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const giveBack = holdExclusively(file)
  if (giveBack === null) {
    throw new SetupError('data-in-use', `stop the server that uses ${path}, or give this one another folder (--data)`)
  }
  return giveBack
}
