import type { DeliveryId, EpochSeconds, JsonValue, KeyId, UserId } from '@keyferry/protocol'

/** A refusal, for the device's own log (PROTOCOL 9: "each refusal goes to the device's own log"). */
export interface Refusal {
  readonly at: EpochSeconds
  readonly role: 'source' | 'target' | 'order'
  readonly dl: DeliveryId
  readonly attempt: number
  readonly reason: string
  readonly key: KeyId | null
}

export interface RefusalStore {
  append(refusal: Refusal): void
  /** Newest first. */
  list(limit: number): Refusal[]
  forget(before: EpochSeconds): void
}

/** Something that a human must look at: open until acknowledged. */
export interface Alarm {
  readonly id: number
  /** A slug of PROTOCOL 9, or a word of ours (`receipt-overdue`, `clock-behind`). */
  readonly reason: string
  /** What it is about (an id, a name): one open alarm for each reason and subject. */
  readonly subject: string
  /** Evidence to keep: both notes, both statements. */
  readonly facts: JsonValue
  readonly at: EpochSeconds
}

export interface AlarmStore {
  /** @returns false if the same alarm is open already; its facts stay. */
  raise(alarm: Omit<Alarm, 'id'>): boolean
  /** Whether one with the same facts is open, or was before its human lifted it. */
  wasRaised(alarm: Pick<Alarm, 'reason' | 'subject' | 'facts'>): boolean
  /** Oldest first. A fork of the log among them stops all transfers (PROTOCOL 11). */
  open(): Alarm[]
  /** @throws {KeyferryError} `not-found` */
  acknowledge(id: number, at: EpochSeconds): void
}

/** Failed unwraps by owner: after eight that owner is refused until a human acts (T9). */
export interface UnwrapFailureStore {
  count(owner: UserId): number
  add(owner: UserId): void
  reset(owner: UserId): void
}

/** The device's time never runs back (PROTOCOL 1). */
export interface ClockStore {
  /** The greatest time ever given to `raise`; 0 if none was. */
  last(): EpochSeconds
  /** @returns the greater of `to` and the last one; durable when it returns. Writes only when it grows. */
  raise(to: EpochSeconds): EpochSeconds
}
