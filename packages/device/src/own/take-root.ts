import {
  checkDeviceSet,
  type DeviceSetPayload,
  inTime,
  KeyferryError,
  refuseSetRollback,
  type Statement,
  thumbprint,
} from '@keyferry/protocol'
import { DeviceError } from '../errors.ts'
import type { OpenDevice } from '../open-device.ts'
import { fetchSet, findUser } from '../transfers/people.ts'
import { seenOf } from '../trust/seen-set.ts'

/**
 * Brings the root key into this device, which signs the user's sets from then on: one device at a time does, so the other one is gone or
 * has been told (PROTOCOL 2.2).
 * @param pkcs8 - DER; the caller erases it.
 * @throws {KeyferryError} `set-invalid`, `set-rollback`; `state-conflict` if this device once
 *   signed sets and others followed
 * @throws {DeviceError} `root-outdated`, `key-format-unknown`
 */
export async function takeRoot(open: OpenDevice, pkcs8: Uint8Array): Promise<Statement<DeviceSetPayload>> {
  const { store, device, now } = open
  const state = store.seen.state()
  const set = await fetchSet(open, (await findUser(open, state.user)).set)
  await checkDeviceSet(set, { origin: state.origin, user: state.user })
  const before = state.seenUser(state.user)
  refuseSetRollback(set, before)
  if (before?.hadTrust === true && set.payload.trust === undefined) {
    throw new KeyferryError('set-invalid', 'the set no longer says what to trust')
  }
  // An expired one is just what a root that was lost for a while has to renew.
  if (inTime(set.payload, now()) === 'early') throw new KeyferryError('set-invalid', 'the set is from the future')
  const current = thumbprint(set.payload.root)
  store.transaction(() => {
    if (device.importRootKey(pkcs8).id !== current) {
      throw new DeviceError(
        'root-outdated',
        'a later rotation made such a copy useless: use one that was made after it, or make one where the root is: keyferry root export',
      )
    }
    const { ref, text, payload } = set
    store.ownStatements.put({ typ: 'kf-device-set+jwt', seq: payload.seq, ref, text, at: now() })
    store.ownStatements.markDone('kf-device-set+jwt', payload.seq)
    store.seen.commit(
      state,
      {
        users: [seenOf(set, before)],
        devices: [],
        names: [],
        pins: [],
        checkpoint: null,
        trust: payload.trust ?? null,
      },
      new Map([[ref, text]]),
    )
  })
  return set
}
