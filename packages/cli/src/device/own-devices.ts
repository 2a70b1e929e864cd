import type { OpenDevice } from '@keyferry/device'
import type { DeviceId, DeviceSetPayload } from '@keyferry/protocol'
import type { Called } from '../console/choose.ts'
import { deviceNames } from './device-names.ts'

/** A device of the own user, as the newest set that the server shows lists it. */
export interface OwnDevice {
  readonly id: DeviceId
  readonly name: string
  readonly kind: string
  readonly roles: readonly string[]
  readonly state: 'active' | 'suspended' | 'revoked'
  readonly lastProofAt: number | null
  readonly own: boolean
}

/** What the server shows of the own user: for people to look at; what devices do rests on their own checks. */
export async function ownDevices(open: OpenDevice): Promise<{ set: DeviceSetPayload; devices: readonly OwnDevice[] }> {
  const { fetchSet, findDevice, findUser } = await import('@keyferry/device')
  const shown = await findUser(open, open.store.seen.state().user)
  const set = (await fetchSet(open, shown.set)).payload
  const names = deviceNames(open)
  const devices: OwnDevice[] = []
  for (const { id, kind, roles } of set.devices) {
    const { state, lastProofAt } = await findDevice(open, id)
    const own = id === open.device.signer.id
    devices.push({ id, name: names.get(id) ?? '', kind, roles, state, lastProofAt: lastProofAt ?? null, own })
  }
  return { set, devices }
}

/** When the server saw devices of the own user, as far as it says so now; others are left out. For people only: it fails with nothing. */
export async function lastSeenOf(
  open: OpenDevice,
  devices: readonly string[],
): Promise<ReadonlyMap<string, number | null>> {
  const { KeyferryError } = await import('@keyferry/protocol')
  const { findDevice, UnreachableError } = await import('@keyferry/device')
  const { user } = open.store.seen.state()
  const seen = new Map<string, number | null>()
  for (const id of new Set(devices)) {
    try {
      const shown = await findDevice(open, id)
      if (shown.user === user) seen.set(id, shown.lastProofAt ?? null)
    } catch (error) {
      if (!(error instanceof KeyferryError || error instanceof UnreachableError)) throw error
    }
  }
  return seen
}

export function calledDevices(devices: readonly OwnDevice[]): readonly Called<OwnDevice>[] {
  return devices.map((device) => ({ thing: device, id: device.id, name: device.name }))
}
