import {
  type DeviceId,
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  type EpochSeconds,
  isPairing,
  KeyferryError,
  parsePairingString,
  readStatement,
  type Signer,
  type Statement,
  signStatement,
  type Trust,
  type UserId,
} from '@keyferry/protocol'
import { client } from '../client/client.ts'
import type { Transport } from '../client/transport.ts'
import type { SoftwareDevice } from '../keystores/software/software-device.ts'
import { deviceTime } from '../open-device.ts'
import { requireReachable } from '../own/change-trust.ts'
import { markSent } from '../own/send-statements.ts'
import type { DeviceStore } from '../store/device-store.ts'
import { fetchConfiguration } from './configuration.ts'
import { SET_LIFE_SECONDS, STATEMENT_LIFE_SECONDS } from './lifetimes.ts'
import { type Pause, persistent } from './persistent.ts'

export interface EnrolmentParts {
  readonly store: DeviceStore
  readonly device: SoftwareDevice
  readonly transport: Transport
  /** The system's clock; what this device has seen keeps it from running back. */
  readonly now: () => EpochSeconds
  readonly random: (count: number) => Uint8Array
  /** Between tries; tests do not wait. */
  readonly pause?: Pause
}

export interface FirstDevice {
  readonly user: UserId
  readonly username: string
  readonly device: DeviceId
}

/**
 * Makes somebody's first device (PROTOCOL 3): its own root key, device key and transport key, the first set beside the first statement.
 * Everything is kept before the claim is sent; the same string again repeats the same claim.
 * @param anchors - CAs and witnesses that its human or its own configuration names; else it begins with none and quorum 0.
 * @throws {KeyferryError} `malformed` for a string of another kind; `not-found` for one that was used or has expired;
 *   `state-conflict` for a profile in which another device was begun; `response-invalid`
 * @throws {UnreachableError}
 */
export async function makeFirstDevice(
  parts: EnrolmentParts,
  text: string,
  label: string,
  anchors: Omit<Trust, 'log'> = { cas: [], witnesses: [], quorum: 0 },
): Promise<FirstDevice> {
  const string = parsePairingString(text)
  if (isPairing(string)) throw new KeyferryError('malformed', 'this string pairs a further device: use it with join')
  requireReachable(anchors)
  const { store, device, transport, random } = parts
  const now = deviceTime(store, parts.now)
  const configuration = await fetchConfiguration(transport, string.origin, now())
  if (configuration.logKey !== string.log) {
    throw new KeyferryError('response-invalid', 'the server shows another log key than the string')
  }
  const root = device.rootSigner() ?? device.makeRootKey()
  const trust: Trust = {
    cas: [...anchors.cas],
    witnesses: [...anchors.witnesses],
    quorum: anchors.quorum,
    log: string.log,
  }
  const statement = await firstStatement({ ...parts, now }, string.origin, root.id)
  const set = await firstSet({ ...parts, now }, string.origin, root, statement, trust)
  store.transaction(() => {
    store.identity.put({
      origin: string.origin,
      user: root.id,
      username: string.username,
      device: device.signer.id,
      kind: device.kind,
      label,
      joinedAt: now(),
    })
    for (const [id, jwk] of configuration.keys) store.serverKeys.put({ id, jwk, since: now() })
    store.anchors.put(trust)
  })
  const calls = client({
    origin: string.origin,
    transport,
    signer: device.signer,
    serverKey: (kid) => configuration.keys.get(kid) ?? null,
    now,
    random,
  })
  await persistent(calls, parts.pause).call({
    method: 'POST',
    path: '/v1/enrolments/claim',
    json: { code: string.code, statement: statement.text, set: set.text },
  })
  store.transaction(() => {
    for (const own of store.ownStatements.unsent()) markSent(store, own)
  })
  return { user: root.id, username: string.username, device: device.signer.id }
}

/**
 * Signed once and kept: a repeat after a crash sends the same octets. Whoever enrols for another user or origin makes all keys anew, in a
 * profile of its own.
 * @throws {KeyferryError} `state-conflict`, `statement-expired`
 */
export async function firstStatement(
  { store, device, now }: EnrolmentParts,
  origin: string,
  user: UserId,
): Promise<Statement<DevicePayload>> {
  const kept = store.ownStatements.list('kf-device+jwt')[0]
  const at = now()
  if (kept !== undefined) {
    const statement = readStatement(deviceStatement, kept.text)
    const { payload } = statement
    if (payload.origin !== origin || payload.user !== user || payload.seq !== 1) {
      throw new KeyferryError('state-conflict', 'this profile was begun for another user or server: use a fresh one')
    }
    if (at >= payload.exp) throw new KeyferryError('statement-expired', 'this profile was begun too long ago')
    return statement
  }
  if (device.transportKeys(at).length === 0) {
    await device.makeTransportKey({ alg: 'HPKE-7', nbf: at, exp: at + STATEMENT_LIFE_SECONDS })
  }
  const statement = await signStatement(deviceStatement, device.signer, {
    v: 1,
    origin,
    user,
    jwk: device.signer.jwk,
    seq: 1,
    iat: at,
    exp: at + STATEMENT_LIFE_SECONDS,
    kind: device.kind,
    enc: device.transportKeys(at),
    wrap: [...device.wraps],
  })
  store.ownStatements.put({ typ: 'kf-device+jwt', seq: 1, ref: statement.ref, text: statement.text, at })
  return statement
}

async function firstSet(
  { store, device, now }: EnrolmentParts,
  origin: string,
  root: Signer,
  statement: Statement<DevicePayload>,
  trust: Trust,
): Promise<Statement<DeviceSetPayload>> {
  const kept = store.ownStatements.list('kf-device-set+jwt')[0]
  const at = now()
  if (kept !== undefined) {
    const set = readStatement(deviceSetStatement, kept.text)
    if (at >= set.payload.exp) throw new KeyferryError('set-expired', 'this profile was begun too long ago')
    return set
  }
  const set = await signStatement(deviceSetStatement, root, {
    v: 1,
    origin,
    user: root.id,
    root: root.jwk,
    seq: 1,
    iat: at,
    exp: at + SET_LIFE_SECONDS,
    devices: [
      {
        id: device.signer.id,
        jwk: { ...device.signer.jwk },
        kind: device.kind,
        roles: ['source', 'target', 'order'],
        seq: statement.payload.seq,
      },
    ],
    revoked: [],
    // A set without `trust` leaves it to each device; later ones could not take it back.
    ...(trust.cas.length + trust.witnesses.length === 0 ? {} : { trust }),
  })
  store.ownStatements.put({ typ: 'kf-device-set+jwt', seq: 1, ref: set.ref, text: set.text, at })
  return set
}
