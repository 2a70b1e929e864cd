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
import type { DeviceStore } from '../store/device-store.ts'
import { fetchConfiguration } from './configuration.ts'

const DAY_SECONDS = 86_400
/** Where the root key renews sets unattended (PROTOCOL 2.2). */
export const SET_LIFE_SECONDS: number = 7 * DAY_SECONDS
export const STATEMENT_LIFE_SECONDS: number = 90 * DAY_SECONDS

export interface EnrolmentParts {
  readonly store: DeviceStore
  readonly device: SoftwareDevice
  readonly transport: Transport
  readonly now: () => EpochSeconds
  readonly random: (count: number) => Uint8Array
}

export interface FirstDevice {
  readonly user: UserId
  readonly username: string
  readonly device: DeviceId
}

/**
 * Makes somebody's first device (PROTOCOL 3): its own root key, device key and transport key, the first set beside the first statement.
 * It starts with no witness and no CA: those come from a human or a later set. Everything is kept before the claim is sent; the same
 * string again repeats the same claim.
 * @throws {KeyferryError} `malformed` for a string of another kind; `not-found` for one that was used or has expired
 * @throws {UnreachableError}
 */
export async function makeFirstDevice(parts: EnrolmentParts, text: string, label: string): Promise<FirstDevice> {
  const string = parsePairingString(text)
  if (isPairing(string)) throw new KeyferryError('malformed', 'this string pairs a further device: use it with join')
  const { store, device, transport, now, random } = parts
  const configuration = await fetchConfiguration(transport, string.origin, now())
  if (configuration.logKey !== string.log) {
    throw new KeyferryError('response-invalid', 'the server shows another log key than the string')
  }
  for (const [id, jwk] of configuration.keys) store.serverKeys.put({ id, jwk, since: now() })
  const root = device.rootSigner() ?? device.makeRootKey()
  const trust: Trust = { cas: [], witnesses: [], quorum: 0, log: string.log }
  const statement = await firstStatement(parts, string.origin, root.id)
  const set = await firstSet(parts, string.origin, root, statement)
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
  await calls.call({
    method: 'POST',
    path: '/v1/enrolments/claim',
    json: { code: string.code, statement: statement.text, set: set.text },
  })
  store.ownStatements.markDone('kf-device+jwt', statement.payload.seq)
  store.ownStatements.markDone('kf-device-set+jwt', set.payload.seq)
  return { user: root.id, username: string.username, device: device.signer.id }
}

/** Signed once and kept: a repeat after a crash sends the same octets. */
export async function firstStatement(
  { store, device, now }: EnrolmentParts,
  origin: string,
  user: UserId,
): Promise<Statement<DevicePayload>> {
  const kept = store.ownStatements.newest('kf-device+jwt')
  if (kept !== null) return readStatement(deviceStatement, kept.text)
  const at = now()
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
): Promise<Statement<DeviceSetPayload>> {
  const kept = store.ownStatements.newest('kf-device-set+jwt')
  if (kept !== null) return readStatement(deviceSetStatement, kept.text)
  const at = now()
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
  })
  store.ownStatements.put({ typ: 'kf-device-set+jwt', seq: 1, ref: set.ref, text: set.text, at })
  return set
}
