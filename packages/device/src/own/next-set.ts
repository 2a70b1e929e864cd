import {
  type DeviceSetPayload,
  deviceSetStatement,
  KeyferryError,
  type Ref,
  readStatement,
  type Signer,
  type Statement,
  signStatement,
  utf8,
} from '@keyferry/protocol'
import { SET_LIFE_SECONDS } from '../enrolment/first-device.ts'
import type { OpenDevice } from '../open-device.ts'

/** The newest set that the root in this device signed. */
export function newestSet(open: Pick<OpenDevice, 'store'>): Statement<DeviceSetPayload> | null {
  const newest = open.store.ownStatements.newest('kf-device-set+jwt')
  return newest === null ? null : readStatement(deviceSetStatement, newest.text)
}

/** What may change from one set to the next; the rest is carried over. */
export type SetChange = Partial<Pick<DeviceSetPayload, 'devices' | 'revoked' | 'trust'>>

/**
 * Signs the next set of the user with the root key held here, keeps it, and puts it (PROTOCOL 2.2). What was signed and not yet sent goes
 * first: the server takes sets in order.
 * @throws {KeyferryError} `declined` where this device does not hold the root; `set-rollback` if another device signed meanwhile
 */
export async function signNextSet(open: OpenDevice, change: SetChange = {}): Promise<Statement<DeviceSetPayload>> {
  const { store, now } = open
  const root = rootOf(open)
  await sendUnsentStatements(open)
  const before = newestSet(open)
  if (before === null) throw new KeyferryError('declined', 'this device has signed no set yet')
  const at = now()
  const { devices, revoked, trust, handovers } = { ...before.payload, ...change }
  const set = await signStatement(deviceSetStatement, root, {
    v: 1,
    origin: before.payload.origin,
    user: before.payload.user,
    root: root.jwk,
    seq: before.payload.seq + 1,
    prev: before.ref,
    iat: at,
    exp: at + SET_LIFE_SECONDS,
    devices,
    revoked,
    ...(trust === undefined ? {} : { trust }),
    ...(handovers === undefined ? {} : { handovers }),
  })
  store.ownStatements.put({ typ: 'kf-device-set+jwt', seq: set.payload.seq, ref: set.ref, text: set.text, at })
  await sendUnsentStatements(open)
  return set
}

export function rootOf(open: Pick<OpenDevice, 'device'>): Signer {
  const root = open.device.rootSigner()
  if (root === null) throw new KeyferryError('declined', 'the root key is on another device')
  return root
}

/** Sends what this device signed about itself or its user and the server may not have, in order. */
export async function sendUnsentStatements(open: OpenDevice): Promise<void> {
  for (const { typ, seq, ref, text } of open.store.ownStatements.unsent()) {
    await putStatement(open, ref, text)
    open.store.ownStatements.markDone(typ, seq)
  }
}

async function putStatement(open: OpenDevice, ref: Ref, text: string): Promise<void> {
  await open.client.call({
    method: 'PUT',
    path: `/v1/statements/${ref}`,
    jose: { octets: utf8(text), type: 'application/jose' },
  })
}
