import { type DeviceId, type DeviceSetPayload, KeyferryError, type Statement } from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { newestSet, signNextSet } from './next-set.ts'

/**
 * Takes a device out of the set and names it as revoked: servers and devices refuse it from then on, also what it signed before
 * (PROTOCOL 2.2). What it holds it keeps: replace those keys.
 * @throws {KeyferryError} `not-found` if the set does not list it; `declined` for this very device, or without the root
 */
export async function revokeDevice(open: OpenDevice, device: DeviceId): Promise<Statement<DeviceSetPayload>> {
  const set = newestSet(open)
  if (set === null) throw new KeyferryError('declined', 'the root key is on another device')
  const { devices, revoked } = set.payload
  if (device === open.device.signer.id) throw new KeyferryError('declined', 'a device does not revoke itself')
  if (devices.every((entry) => entry.id !== device))
    throw new KeyferryError('not-found', 'the set lists no such device')
  return signNextSet(open, {
    devices: devices.filter((entry) => entry.id !== device),
    revoked: [...revoked, { id: device, at: open.now() }],
  })
}
