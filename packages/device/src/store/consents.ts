import type { DeviceId, EpochSeconds, KeyId, UserId } from '@keyferry/protocol'

/** The human agreed once that this key goes to this device, or to the devices of this user (PROTOCOL 2.4). */
export interface Consent {
  readonly key: KeyId
  /** A device id or a root id: they cannot be confused, one key pair has one role. */
  readonly to: DeviceId | UserId
  readonly at: EpochSeconds
}

export interface ConsentStore {
  has(key: KeyId, to: DeviceId | UserId): boolean
  of(key: KeyId): Consent[]
  give(consent: Consent): void
  withdraw(key: KeyId, to: DeviceId | UserId): void
}
