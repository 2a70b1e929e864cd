import {
  type DevicePayload,
  deviceStatement,
  type EpochSeconds,
  equalJson,
  KeyferryError,
  namedThumbprint,
  readStatement,
  signStatement,
} from '@keyferry/protocol'
import { STATEMENT_LIFE_SECONDS } from '../enrolment/lifetimes.ts'
import type { OpenDevice } from '../open-device.ts'
import { sendUnsentStatements } from './send-statements.ts'

const TYP = 'kf-device+jwt'
/** PROTOCOL 2.1. */
const FRESH_KEY_SECONDS = 30 * 86_400

/**
 * Offers a fresh transport key every 30 days, in a statement with the next `seq`; the earlier ones stay listed until they run out and
 * can be used 90 days longer (PROTOCOL 2.1). What this version can wrap is said at once when the statement says something else.
 * @returns whether it did.
 * @throws {KeyferryError} `statement-rollback` if somebody signed with this device's key; `statement-invalid` if the server refuses
 */
export async function renewStatement(open: OpenDevice): Promise<boolean> {
  const { store, device, now } = open
  const at = now()
  // One that ran out before the server had it counts nowhere: the next one takes its place.
  const refused = (await sendUnsentStatements(open)).filter(({ typ }) => typ === TYP)
  const standing = store.ownStatements.list(TYP).filter(({ ref }) => refused.every((one) => one.ref !== ref))
  const newest = standing.at(-1)
  if (newest === undefined) return false
  const before = readStatement(deviceStatement, newest.text).payload
  const isDue = at - latestKeyOf(before) >= FRESH_KEY_SECONDS || at >= before.exp || refused.length > 0
  if (!isDue && equalJson(before.wrap, [...device.wraps])) return false
  if (isDue && !hasFreshKey(device, before, at)) {
    await device.makeTransportKey({ alg: 'HPKE-7', nbf: at, exp: at + STATEMENT_LIFE_SECONDS })
  }
  const payload: DevicePayload = {
    ...before,
    seq: before.seq + 1,
    iat: at,
    exp: at + STATEMENT_LIFE_SECONDS,
    enc: device.transportKeys(at),
    wrap: [...device.wraps],
  }
  const statement = await signStatement(deviceStatement, device.signer, payload)
  store.transaction(() => {
    if (refused[0] !== undefined) store.ownStatements.withdraw(TYP, refused[0].seq)
    store.ownStatements.put({ typ: TYP, seq: payload.seq, ref: statement.ref, text: statement.text, at })
  })
  const again = await sendUnsentStatements(open)
  if (again.some(({ ref }) => ref === statement.ref)) {
    throw new KeyferryError('statement-invalid', 'the server does not take the statement')
  }
  return true
}

/** Made for a statement that was not finished, perhaps. */
function hasFreshKey(device: OpenDevice['device'], before: DevicePayload, at: EpochSeconds): boolean {
  const listed = new Set(before.enc.map((offer) => namedThumbprint(offer.jwk)))
  return device
    .transportKeys(at)
    .some((offer) => !listed.has(namedThumbprint(offer.jwk)) && at - offer.nbf < FRESH_KEY_SECONDS)
}

function latestKeyOf({ enc }: DevicePayload): number {
  return Math.max(...enc.map((offer) => offer.nbf), 0)
}
