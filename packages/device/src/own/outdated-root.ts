import {
  type DeviceSetPayload,
  KeyferryError,
  type Statement,
  type Thumbprint,
  thumbprint,
  type UserId,
} from '@keyferry/protocol'
import { pause } from '../client/pause.ts'
import type { DeviceStore } from '../store/device-store.ts'
import type { SentParts } from './send-statements.ts'
import { shownSet } from './shown-set.ts'

/** The root that took the place of the one in this device. */
export interface RootElsewhere {
  readonly user: UserId
  readonly mine: Thumbprint
  readonly current: Thumbprint
}

const TRIES = 4
const PAUSE_MILLISECONDS = 500

/**
 * The set of the own user that stands at the server where one of this device should: right, not older than what was seen, signed by a root
 * of the user and not here. Null if there is none: the word of a server that a set comes too late proves nothing.
 */
export async function setInstead(
  open: SentParts,
  own: Statement<DeviceSetPayload>,
): Promise<Statement<DeviceSetPayload> | null> {
  for (let left = TRIES; left > 0; left--) {
    const set = await currentSet(open)
    // A hand-over set stands in the way before its successor is there to be shown.
    if (set !== null && set.payload.seq >= own.payload.seq) return isOwn(open.store, set) ? null : set
    await pause(PAUSE_MILLISECONDS)
  }
  return null
}

async function currentSet(open: SentParts): Promise<Statement<DeviceSetPayload> | null> {
  try {
    return await shownSet(open)
  } catch (error) {
    if (error instanceof KeyferryError) return null
    throw error
  }
}

function isOwn({ ownStatements }: DeviceStore, { ref }: Statement<DeviceSetPayload>): boolean {
  return ownStatements.list('kf-device-set+jwt').some((own) => own.ref === ref)
}

/** Null while the root here is the current one, as far as this device has seen. */
export function rootElsewhere(store: DeviceStore, own: Statement<DeviceSetPayload>): RootElsewhere | null {
  const { user, root, seq } = own.payload
  const seen = store.seen.state().seenUser(user)
  const mine = thumbprint(root)
  if (seen === null || seen.seq < seq || seen.root === mine || store.sealedKeys.signingKeyById(seen.root) !== null)
    return null
  return { user, mine, current: seen.root }
}

/**
 * Whoever handed the root over may have been its user, at another device, or a thief: an alarm, once for each root (PROTOCOL 2.2).
 * @returns null if its human has heard of it
 */
export function firstWord({ store, now }: SentParts, { user, mine, current }: RootElsewhere): KeyferryError | null {
  const facts = { here: mine, current }
  const alarm = { reason: 'root-outdated', subject: user, facts, at: now() }
  if (store.alarms.wasRaised(alarm)) return null
  store.alarms.raise(alarm)
  return outdated()
}

export function outdated(): KeyferryError {
  const why = 'another device replaced your root key: the one here is no longer the current one'
  return new KeyferryError('set-rollback', why, { reason: 'root-outdated' })
}
