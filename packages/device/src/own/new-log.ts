import { checkpointMark, KeyferryError } from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { seenOf } from '../trust/seen-set.ts'
import { indexOf, requireInTree } from './set-in-log.ts'
import { shownHead } from './shown-head.ts'
import { shownSet } from './shown-set.ts'

/**
 * Goes over to another log of the server where the root of the own user did (PROTOCOL 2.2, 10): its newest set names it, and is in it. Else
 * a device would hear of that with its next key only.
 * @returns whether it did
 */
export async function followToNewLog(open: OpenDevice): Promise<boolean> {
  try {
    return await follow(open)
  } catch (error) {
    if (error instanceof KeyferryError) return false
    throw error
  }
}

async function follow(open: OpenDevice): Promise<boolean> {
  const { store } = open
  const state = store.seen.state()
  const set = await shownSet(open)
  const { trust } = set.payload
  if (trust === undefined || trust.log === state.trust.log) return false
  const index = await indexOf(open, set)
  const { note, head } = await shownHead(open, trust, null)
  await requireInTree(open, set, index, head)
  const users = [seenOf(set, state.seenUser(state.user))]
  const checkpoint = { note, ...checkpointMark(head) }
  store.transaction(() => {
    const texts = new Map([[set.ref, set.text]])
    store.seen.commit(state, { users, devices: [], names: [], pins: [], checkpoint, trust }, texts)
    store.clock.raise(head.witnessedAt)
  })
  return true
}
