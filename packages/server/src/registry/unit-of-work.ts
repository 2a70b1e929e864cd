import { KeyferryError } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import { isConflict } from '../transfers/conflict.ts'

/** What was decided from what was read: the changes, and what to answer once they are durable. No changes: nothing is written. */
export interface Decided<T> {
  readonly changes: readonly Change[]
  /** `leafIndexes`: index in the log of each leaf of the changes, in their order. */
  answer(leafIndexes: readonly number[]): T
}

/** An answer, and whether this call brought it about (201) or found it done (200). */
export interface Put<V> {
  readonly view: V
  readonly created: boolean
}

/** Each delivery that moves meanwhile costs a revocation one: it must not lose to them. */
const ATTEMPTS = 8

/**
 * Reads and decides, then writes once. If another writer was first it reads and decides again: only then is it seen whether
 * there is a real conflict.
 * @throws {KeyferryError} what `decide` throws; `statement-invalid` with check `key-in-use`; `state-conflict`
 */
export async function decideAndCommit<T>(
  context: Pick<ServerContext, 'commit'>,
  decide: () => Promise<Decided<T>>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const decided = await decide()
    if (decided.changes.length === 0) return decided.answer([])
    try {
      return decided.answer((await context.commit(decided.changes)).leafIndexes)
    } catch (error) {
      if (error instanceof KeyferryError && error.code === 'key-in-use') throw keyInUse(error)
      if (!isConflict(error) || attempt === ATTEMPTS) throw error
    }
  }
}

/** A thumbprint has one meaning at a server (PROTOCOL 4). */
export function keyInUse(cause?: unknown): KeyferryError {
  const details = { check: 'key-in-use' }
  return new KeyferryError('statement-invalid', 'a key has another role or belongs to another device', details, {
    cause,
  })
}

/** Nothing to write: it was done before. */
export function done<V>(view: V): Decided<Put<V>> {
  return { changes: [], answer: () => ({ view, created: false }) }
}
