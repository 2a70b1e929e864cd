import {
  type CheckedCheckpoint,
  checkCheckpoint,
  fromUtf8,
  parseVkey,
  type TreeHead,
  type Trust,
  withErrorCode,
} from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { getFromLog } from './log-tiles.ts'

/** A checkpoint as the log shows it, and what it says. */
export interface ShownHead {
  readonly note: string
  readonly head: CheckedCheckpoint
}

/**
 * The checkpoint of now, signed by the log and the witnesses of this trust (PROTOCOL 11).
 * @param last - what it must not be smaller than; null for a log of which nothing was seen.
 * @throws {KeyferryError} `checkpoint-invalid`, `checkpoint-stale`
 */
export async function shownHead(
  { store, transport, now }: OpenDevice,
  { log, witnesses, quorum }: Trust,
  last: TreeHead | null,
): Promise<ShownHead> {
  const octets = await getFromLog(transport, store.seen.state().origin, 'checkpoint')
  const note = withErrorCode('checkpoint-invalid', () => fromUtf8(octets))
  const head = await checkCheckpoint(note, {
    log: parseVkey(log),
    witnesses: witnesses.map((text) => parseVkey(text)),
    quorum,
    last,
    now: now(),
    maxAgeSeconds: store.rules.find().maxCheckpointAgeSeconds,
  })
  return { note, head }
}
