import { KeyferryError } from '@keyferry/protocol'

/** Whether another writer was first: whoever can, reads again and decides again. Our own refusals name the `state` they met. */
export function isConflict(error: unknown): boolean {
  return error instanceof KeyferryError && error.code === 'state-conflict' && !('state' in error.details)
}

/** A decision about other things of the same row may come between; more than that in a row is somebody else's event. */
const TRIES = 4

/**
 * Runs a use case; if another writer was first it reads and decides again, so that a repeat is answered as one, and what did not
 * matter does not matter. Of two events at once one wins, the other sees 409, also where the first one ended the delivery
 * (PROTOCOL 5).
 */
export async function afterOthers<T>(task: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await task()
    } catch (error) {
      if (tried > 1 && error instanceof KeyferryError && error.code === 'delivery-closed') {
        throw new KeyferryError('state-conflict', 'another event was first', error.details, { cause: error })
      }
      if (!isConflict(error) || tried === TRIES) throw error
    }
  }
}
