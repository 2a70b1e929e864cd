import type { DeviceId } from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import type { KeyRecord } from '../store/key-records.ts'
import { showTransfer } from './manage.ts'
import type { DeliveryShown } from './shown.ts'

/** In these it ended without the key. */
const IN_VAIN: ReadonlySet<string> = new Set(['refused', 'cancelled', 'expired', 'failed', 'withdrawn'])
/** Transfers looked at, newest first: one that is older is sent again, and its target says that it has the key. */
const MOST = 20

/**
 * What this device has already sent of the key's current generation to these devices, and that arrived or is on its way: sent once more,
 * its target would reject it (T6). The server's word is enough, for it only saves a transfer that would fail.
 * @returns the newest delivery for each device that has one.
 */
export async function sentBefore(
  open: OpenDevice,
  record: KeyRecord,
  devices: readonly DeviceId[],
): Promise<ReadonlyMap<DeviceId, DeliveryShown>> {
  const found = new Map<DeviceId, DeliveryShown>()
  const started = open.store.started.list().filter((one) => one.key === record.key.id && one.tr !== null)
  for (const { tr } of started.toReversed().slice(0, MOST)) {
    const shown = tr === null ? null : await showTransfer(open, tr)
    for (const delivery of shown?.transfer.deliveries ?? []) {
      const device = devices.find((id) => id === delivery.target)
      const counts = delivery.key.generation === record.key.generation && !IN_VAIN.has(delivery.state)
      if (device !== undefined && counts && !found.has(device)) found.set(device, delivery)
    }
    if (devices.every((id) => found.has(id))) break
  }
  return found
}
