import {
  type DeviceSetPayload,
  deviceSetStatement,
  KeyferryError,
  rootsOf,
  type Signer,
  type Statement,
  signStatement,
  thumbprint,
} from '@keyferry/protocol'
import { SET_LIFE_SECONDS } from '../enrolment/lifetimes.ts'
import type { OpenDevice } from '../open-device.ts'
import { isHalfDone, newestSet, readyToSign, rootOf, signNextSet } from './next-set.ts'
import { sendUnsentStatements } from './send-statements.ts'

/**
 * Hands over to a fresh root key (PROTOCOL 2.2): the old root signs the hand-over set, the new one the set after it. Both are kept before
 * one is sent. The user id stays; grants of the old root end, and pins and certificates should name the new one. The old private key is
 * destroyed once the server has both sets.
 * @throws {DeviceError} `root-elsewhere`, `root-outdated`, `set-elsewhere`
 * @throws {KeyferryError} `set-rollback`, `statement-invalid`
 */
export async function rotateRoot(open: OpenDevice): Promise<Statement<DeviceSetPayload>> {
  const { store, device } = open
  const old = rootOf(open)
  await readyToSign(open)
  // What broke off before is brought to its end first. If that was a rotation, it is done with it.
  const before = isHalfDone(open) ? await signNextSet(open) : newestSet(open)
  if (before === null) throw new KeyferryError('state-conflict', 'no set of this root has reached the server yet')
  if (thumbprint(before.payload.root) !== old.id) {
    store.sealedKeys.removeSigningKey(old.id)
    return before
  }
  const next = unusedRoot(open, before) ?? device.makeRootKey()
  const handover = await handOver(open, before, old, next)
  const successor = await succeed(open, before, handover, next)
  store.transaction(() => {
    for (const { ref, text, payload } of [handover, successor]) {
      store.ownStatements.put({ typ: 'kf-device-set+jwt', seq: payload.seq, ref, text, at: payload.iat })
    }
  })
  if ((await sendUnsentStatements(open)).length > 0) {
    throw new KeyferryError('statement-invalid', 'the server does not take the hand-over')
  }
  store.sealedKeys.removeSigningKey(old.id)
  return successor
}

/** One that was made for a rotation that broke off before anything was signed. */
function unusedRoot({ device }: OpenDevice, before: Statement<DeviceSetPayload>): Signer | null {
  const newest = device.rootSigner()
  return newest === null || rootsOf(before).includes(newest.id) ? null : newest
}

async function handOver(
  { now }: OpenDevice,
  before: Statement<DeviceSetPayload>,
  old: Signer,
  next: Signer,
): Promise<Statement<DeviceSetPayload>> {
  const { origin, user, seq } = before.payload
  const at = now()
  return signStatement(deviceSetStatement, old, {
    v: 1,
    origin,
    user,
    root: old.jwk,
    seq: seq + 1,
    prev: before.ref,
    iat: at,
    exp: at + SET_LIFE_SECONDS,
    devices: [],
    revoked: [],
    next: next.jwk,
  })
}

async function succeed(
  { now }: OpenDevice,
  before: Statement<DeviceSetPayload>,
  handover: Statement<DeviceSetPayload>,
  next: Signer,
): Promise<Statement<DeviceSetPayload>> {
  const { origin, user, devices, revoked, trust, handovers } = before.payload
  const at = now()
  return signStatement(deviceSetStatement, next, {
    v: 1,
    origin,
    user,
    root: next.jwk,
    seq: handover.payload.seq + 1,
    prev: handover.ref,
    iat: at,
    exp: at + SET_LIFE_SECONDS,
    devices,
    revoked,
    ...(trust === undefined ? {} : { trust }),
    handovers: [...(handovers ?? []), handover.text],
  })
}
