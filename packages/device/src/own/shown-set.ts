import {
  checkDeviceSet,
  type DeviceSetPayload,
  inTime,
  KeyferryError,
  refuseSetRollback,
  type Statement,
} from '@keyferry/protocol'
import { fetchSet, findUser } from '../transfers/people.ts'
import type { SentParts } from './send-statements.ts'

/**
 * The set of the own user that the server shows: right, not older than what was seen, and of the past. Whether it is in the log is for the
 * caller.
 * @throws {KeyferryError} `set-invalid`, `set-rollback`
 */
export async function shownSet(open: SentParts): Promise<Statement<DeviceSetPayload>> {
  const { origin, user, ...state } = open.store.seen.state()
  const set = await fetchSet(open, (await findUser(open, user)).set)
  await checkDeviceSet(set, { origin, user })
  const before = state.seenUser(user)
  refuseSetRollback(set, before)
  if (before?.hadTrust === true && set.payload.trust === undefined) {
    throw new KeyferryError('set-invalid', 'the set no longer says what to trust')
  }
  // An expired one is just what a root that was lost for a while has to renew.
  if (inTime(set.payload, open.now()) === 'early') throw new KeyferryError('set-invalid', 'the set is from the future')
  return set
}
