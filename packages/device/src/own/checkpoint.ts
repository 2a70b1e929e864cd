import { checkpointMark, fromBase64url, KeyferryError } from '@keyferry/protocol'
import { consistencyPath } from '../client/consistency-path.ts'
import type { OpenDevice } from '../open-device.ts'
import { checkGrowth } from '../trust/log.ts'
import type { SeenCheckpoint } from '../trust/trust-state.ts'
import { forkOf, keepFork } from './forked-log.ts'
import { followToNewLog } from './new-log.ts'
import { asOlderLog } from './older-log.ts'
import { shownHead } from './shown-head.ts'

const TRIES = 3

/**
 * The checkpoint that the log shows now, verified as S11 does: log key, quorum of witnesses, growth from the last one kept (PROTOCOL 11).
 * It is kept as the last one.
 * @throws {KeyferryError} `checkpoint-invalid`, `checkpoint-stale` (with `olderThan`: for good), `log-inconsistent`
 */
export async function currentCheckpoint(open: OpenDevice): Promise<SeenCheckpoint> {
  for (let tried = 1; ; tried++) {
    try {
      return await checkAndKeep(open)
    } catch (error) {
      const code = error instanceof KeyferryError && tried < TRIES ? error.code : null
      // Another process of this device relied on a newer one meanwhile.
      if (code === 'state-conflict') continue
      if (code === 'checkpoint-invalid' && (await followToNewLog(open))) continue
      throw await asOlderLog(open, error)
    }
  }
}

async function checkAndKeep(open: OpenDevice): Promise<SeenCheckpoint> {
  const { store } = open
  const state = store.seen.state()
  const last =
    state.checkpoint === null ? null : { size: state.checkpoint.size, root: fromBase64url(state.checkpoint.root) }
  const { note, head } = await shownHead(open, state.trust, last)
  if (last !== null) {
    const path = await growth(open, last.size, head.size)
    try {
      checkGrowth({ mine: state.checkpoint?.note ?? '', shown: note }, last, head, path)
    } catch (error) {
      const fork = forkOf(error)
      if (fork !== null) await keepFork(open, fork)
      throw error
    }
  }
  const checkpoint = { note, ...checkpointMark(head) }
  store.transaction(() => {
    store.seen.commit(state, { users: [], devices: [], names: [], pins: [], checkpoint, trust: null })
    store.clock.raise(head.witnessedAt)
  })
  return checkpoint
}

async function growth({ client }: OpenDevice, from: number, to: number): Promise<readonly string[]> {
  if (from === 0 || from === to) return []
  return consistencyPath(client, from, to)
}
