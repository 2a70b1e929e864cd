import {
  type DeviceSetPayload,
  deviceSetStatement,
  fromBase64url,
  KeyferryError,
  readStatement,
  type Statement,
} from '@keyferry/protocol'
import { pause } from '../client/pause.ts'
import { UnreachableError } from '../client/transport.ts'
import type { OpenDevice } from '../open-device.ts'
import { currentCheckpoint } from './checkpoint.ts'
import { newestSet } from './next-set.ts'
import { indexOf, requireInTree } from './set-in-log.ts'

type OwnSet = Statement<DeviceSetPayload>

/** PROTOCOL 2.2: after a set that revokes. */
const LOGGED_WITHIN_SECONDS = 600
const AGAIN_AFTER_MILLISECONDS = 5_000

export interface LoggedOptions {
  /** Ends the waiting early, without an answer. */
  readonly signal?: AbortSignal
  readonly pause?: typeof pause
}

/**
 * Waits until an own set is in the log, under a checkpoint of the own quorum: what revokes counts for others only then.
 * @returns false if it was not within ten minutes: then an alarm is open, for the server may be keeping the set back.
 */
export async function requireLogged(open: OpenDevice, set: OwnSet, options: LoggedOptions = {}): Promise<boolean> {
  const until = set.payload.iat + LOGGED_WITHIN_SECONDS
  let why: string | null
  do {
    why = await whyNotLogged(open, set)
    if (why === null) return true
    // Waiting does not mend that.
    if (why === 'log-inconsistent') return false
    if (options.signal?.aborted === true) return false
    await (options.pause ?? pause)(AGAIN_AFTER_MILLISECONDS, options.signal)
  } while (open.now() < until)
  raiseNotLogged(open, set, why)
  return false
}

/** The same for a set whose process ended before ten minutes were over: asked once, by whoever has just reached the server. */
export async function checkNewestLogged(open: OpenDevice): Promise<void> {
  const set = newestSet(open)
  if (set === null || !revokesMore(open, set)) return
  const why = await whyNotLogged(open, set)
  const isOver = open.now() >= set.payload.iat + LOGGED_WITHIN_SECONDS
  if (why !== null && why !== 'log-inconsistent' && isOver) raiseNotLogged(open, set, why)
}

/** @returns null if it is there. About `log-inconsistent` an alarm is open already. */
async function whyNotLogged(open: OpenDevice, set: OwnSet): Promise<string | null> {
  try {
    await checkLogged(open, set)
    return null
  } catch (error) {
    if (error instanceof UnreachableError) return 'unreachable'
    if (error instanceof KeyferryError) return error.code
    throw error
  }
}

/** Than the set before it, as far as that was signed here. */
function revokesMore({ store }: OpenDevice, { payload }: OwnSet): boolean {
  const sets = store.ownStatements.list('kf-device-set+jwt').map(({ text }) => readStatement(deviceSetStatement, text))
  const before = sets.findLast((set) => set.payload.seq < payload.seq && set.payload.next === undefined)
  const known = new Set(before?.payload.revoked.map(({ id }) => id))
  return before !== undefined && payload.revoked.some(({ id }) => !known.has(id))
}

function raiseNotLogged({ store, now }: OpenDevice, { payload, ref }: OwnSet, why: string): void {
  const facts = { seq: payload.seq, ref, why }
  store.alarms.raise({ reason: 'set-not-logged', subject: payload.user, facts, at: now() })
}

async function checkLogged(open: OpenDevice, set: OwnSet): Promise<void> {
  const index = await indexOf(open, set)
  const { size, root } = await currentCheckpoint(open)
  await requireInTree(open, set, index, { size, root: fromBase64url(root) })
}
