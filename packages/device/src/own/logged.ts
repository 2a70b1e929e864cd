import type { DeviceSetPayload } from '@keyferry/protocol'
import { checkInclusion, fromBase64url, KeyferryError, makeLeaf, type Statement } from '@keyferry/protocol'
import { pause } from '../client/pause.ts'
import { UnreachableError } from '../client/transport.ts'
import type { OpenDevice } from '../open-device.ts'
import { currentCheckpoint } from './checkpoint.ts'
import { getFromLog, inclusionPath } from './log-tiles.ts'
import { putStatement } from './send-statements.ts'

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
export async function requireLogged(
  open: OpenDevice,
  set: Statement<DeviceSetPayload>,
  options: LoggedOptions = {},
): Promise<boolean> {
  const until = set.payload.iat + LOGGED_WITHIN_SECONDS
  let why = ''
  do {
    try {
      await checkLogged(open, set)
      return true
    } catch (error) {
      if (!(error instanceof KeyferryError || error instanceof UnreachableError)) throw error
      // The alarm about this one is open already, and waiting does not mend it.
      if (error instanceof KeyferryError && error.code === 'log-inconsistent') return false
      why = error instanceof KeyferryError ? error.code : 'unreachable'
    }
    if (options.signal?.aborted === true) return false
    await (options.pause ?? pause)(AGAIN_AFTER_MILLISECONDS, options.signal)
  } while (open.now() < until)
  const facts = { seq: set.payload.seq, ref: set.ref, why }
  open.store.alarms.raise({ reason: 'set-not-logged', subject: set.payload.user, facts, at: open.now() })
  return false
}

async function checkLogged(open: OpenDevice, set: Statement<DeviceSetPayload>): Promise<void> {
  const { client, transport } = open
  const { origin, user } = set.payload
  const { index } = await putStatement(client, set.ref, set.text)
  const checkpoint = await currentCheckpoint(open)
  if (index === undefined) throw new KeyferryError('proof-invalid', 'the server names no place in the log')
  const path = await inclusionPath((name) => getFromLog(transport, origin, name), index, checkpoint.size)
  const head = { size: checkpoint.size, root: fromBase64url(checkpoint.root) }
  checkInclusion(makeLeaf(origin, { typ: 'kf-device-set+jwt', ref: set.ref, user }), { index, path: [...path] }, head)
}
