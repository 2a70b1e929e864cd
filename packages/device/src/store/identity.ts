import type { DeviceId, DeviceKind, EpochSeconds, UserId } from '@keyferry/protocol'

/** Who this device is, where, and whose (PROTOCOL 3): fixed when it joins. */
export interface Identity {
  readonly origin: string
  /** Root id of its user. */
  readonly user: UserId
  readonly username: string
  readonly device: DeviceId
  readonly kind: DeviceKind
  /** What its human calls it; nobody else relies on it. */
  readonly label: string
  readonly joinedAt: EpochSeconds
}

export interface IdentityStore {
  /** `null` until the device has joined. */
  find(): Identity | null
  /**
   * Keeps who the device is; later only the label may change.
   * @throws {KeyferryError} `state-conflict` for another origin, user or device: whoever enrols again makes all keys anew.
   */
  put(identity: Identity): void
}
