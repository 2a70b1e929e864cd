import {
  checkCheckpoint,
  checkConsistency,
  checkpointMark,
  fromBase64url,
  fromUtf8,
  KeyferryError,
  parseVkey,
  withErrorCode,
} from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import type { SeenCheckpoint } from '../trust/trust-state.ts'
import { getFromLog } from './log-tiles.ts'

const TRIES = 3

/**
 * The checkpoint that the log shows now, verified as S11 does: log key, quorum of witnesses, growth from the last one kept (PROTOCOL 11).
 * It is kept as the last one.
 * @throws {KeyferryError} `checkpoint-invalid`, `checkpoint-stale`, `log-inconsistent`
 */
export async function currentCheckpoint(open: OpenDevice): Promise<SeenCheckpoint> {
  for (let tried = 1; ; tried++) {
    try {
      return await checkAndKeep(open)
    } catch (error) {
      // Another process of this device relied on a newer one meanwhile.
      const again = error instanceof KeyferryError && error.code === 'state-conflict' && tried < TRIES
      if (!again) throw error
    }
  }
}

async function checkAndKeep(open: OpenDevice): Promise<SeenCheckpoint> {
  const { store, transport, client, now } = open
  const state = store.seen.state()
  const octets = await getFromLog(transport, state.origin, 'checkpoint')
  const note = withErrorCode('checkpoint-invalid', () => fromUtf8(octets))
  const last =
    state.checkpoint === null ? null : { size: state.checkpoint.size, root: fromBase64url(state.checkpoint.root) }
  const head = await checkCheckpoint(note, {
    log: parseVkey(state.trust.log),
    witnesses: state.trust.witnesses.map((text) => parseVkey(text)),
    quorum: state.trust.quorum,
    last,
    now: now(),
    maxAgeSeconds: store.rules.find().maxCheckpointAgeSeconds,
  })
  if (last !== null) {
    const path = `/v1/log/consistency?from=${last.size}&to=${head.size}`
    const known = last.size === 0 || last.size === head.size
    checkConsistency(
      last,
      head,
      known ? [] : (await client.call({ method: 'GET', path })).json<{ path: string[] }>().path,
    )
  }
  const checkpoint = { note, ...checkpointMark(head) }
  store.transaction(() => {
    store.seen.commit(state, { users: [], devices: [], names: [], pins: [], checkpoint, trust: null })
    store.clock.raise(head.now)
  })
  return checkpoint
}
