import { type DeviceId, type DeviceSetPayload, KeyferryError, type Statement } from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import { type LoggedOptions, requireLogged } from './logged.ts'
import { readyToSign, signNextSet } from './next-set.ts'

/**
 * Takes a device out of the set and names it as revoked: servers and devices refuse it from then on, also what it signed before
 * (PROTOCOL 2.2). What it holds it keeps: replace those keys. Waits for the log to show the set; if it does not, an alarm is open.
 * @throws {KeyferryError} `not-found` if the set does not list it; `declined` for this very device
 * @throws {DeviceError} `root-elsewhere`, `root-outdated`, `set-elsewhere`
 */
export async function revokeDevice(
  open: OpenDevice,
  device: DeviceId,
  options: LoggedOptions = {},
): Promise<Statement<DeviceSetPayload>> {
  await readyToSign(open)
  if (device === open.device.signer.id) throw new KeyferryError('declined', 'a device does not revoke itself')
  const set = await signNextSet(open, ({ devices, revoked }) => {
    if (devices.every((entry) => entry.id !== device)) {
      throw new KeyferryError('not-found', 'the set lists no such device')
    }
    return {
      devices: devices.filter((entry) => entry.id !== device),
      revoked: [...revoked, { id: device, at: open.now() }],
    }
  })
  await requireLogged(open, set, options)
  return set
}
