import type { EpochSeconds, UserId } from '@keyferry/protocol'
import { UNOPENABLE } from '../agent/unwrap-failures.ts'
import type { DeviceStore } from '../store/device-store.ts'
import type { Alarm } from '../store/journal.ts'

/**
 * The human has looked (PROTOCOL 11). It changes nothing of what this device has seen; an owner who was not listened to is heard again.
 * @throws {KeyferryError} `not-found`
 */
export function liftAlarm(store: DeviceStore, { id, reason, subject }: Alarm, at: EpochSeconds): void {
  store.transaction(() => {
    store.alarms.acknowledge(id, at)
    if (reason === UNOPENABLE) store.unwrapFailures.reset(subject as UserId)
  })
}
