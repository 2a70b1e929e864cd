import { type DevicePayload, deviceStatement, KeyferryError, readStatement, signStatement } from '@keyferry/protocol'
import { SET_LIFE_SECONDS, STATEMENT_LIFE_SECONDS } from '../enrolment/first-device.ts'
import type { OpenDevice } from '../open-device.ts'
import { findUser } from '../transfers/people.ts'
import { newestSet, sendUnsentStatements, signNextSet } from './next-set.ts'

const FRESH_KEY_SECONDS = 30 * 86_400

/**
 * Renews what would run out (PROTOCOL 2.1, 2.2): a fresh transport key every 30 days in a new statement, and the set at half its life where
 * this device holds the root. Call it now and then; it does nothing in between.
 * @throws {KeyferryError} `set-rollback` when the server shows a set that this device does not hold: somebody else uses the root
 */
export async function renewOwn(open: OpenDevice): Promise<{ readonly statement: boolean; readonly set: boolean }> {
  await sendUnsentStatements(open)
  const statement = await renewStatement(open)
  const set = await renewSet(open)
  open.device.destroyTransportKeys(open.now())
  return { statement, set }
}

async function renewStatement(open: OpenDevice): Promise<boolean> {
  const { store, device, now } = open
  const at = now()
  const newest = store.ownStatements.newest('kf-device+jwt')
  if (newest === null) return false
  const before = readStatement(deviceStatement, newest.text).payload
  const latest = Math.max(...before.enc.map((offer) => offer.nbf), 0)
  if (at - latest < FRESH_KEY_SECONDS) return false
  await device.makeTransportKey({ alg: 'HPKE-7', nbf: at, exp: at + STATEMENT_LIFE_SECONDS })
  const payload: DevicePayload = {
    ...before,
    seq: before.seq + 1,
    iat: at,
    exp: at + STATEMENT_LIFE_SECONDS,
    enc: device.transportKeys(at),
    wrap: [...device.wraps],
  }
  const statement = await signStatement(deviceStatement, device.signer, payload)
  store.ownStatements.put({ typ: 'kf-device+jwt', seq: payload.seq, ref: statement.ref, text: statement.text, at })
  await sendUnsentStatements(open)
  return true
}

/** Unattended, so first it looks whether somebody else signed a set: one that it does not hold is an alarm, and it stops. */
async function renewSet(open: OpenDevice): Promise<boolean> {
  const before = newestSet(open)
  if (before === null || open.device.rootSigner() === null) return false
  if (before.payload.exp - open.now() > SET_LIFE_SECONDS / 2) return false
  const shown = await findUser(open, before.payload.user)
  if (shown.set !== before.ref) {
    open.store.alarms.raise({
      reason: 'set-rollback',
      subject: before.payload.user,
      facts: { shown: shown.set, mine: before.ref },
      at: open.now(),
    })
    throw new KeyferryError('set-rollback', 'the server shows a set that this device did not sign')
  }
  await signNextSet(open)
  return true
}
