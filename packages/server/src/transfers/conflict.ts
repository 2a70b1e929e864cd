import { KeyferryError } from '@keyferry/protocol'

/** Whether another writer was first: whoever can, reads again and decides again. */
export function isConflict(error: unknown): boolean {
  return error instanceof KeyferryError && error.code === 'state-conflict'
}
