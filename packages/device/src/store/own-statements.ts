import type { EpochSeconds, Ref } from '@keyferry/protocol'

/** Statements that this device, or the root that it holds, signed and that count up: device statements, device sets. */
export interface OwnStatement {
  readonly typ: 'kf-device+jwt' | 'kf-device-set+jwt'
  readonly seq: number
  readonly ref: Ref
  /** Compact JWS. */
  readonly text: string
  readonly at: EpochSeconds
}

export interface OwnStatementStore {
  newest(typ: OwnStatement['typ']): OwnStatement | null
  /** By rising `seq`. */
  list(typ: OwnStatement['typ']): OwnStatement[]
  /**
   * Keeps one before it is sent. The same again changes nothing.
   * @throws {KeyferryError} `state-conflict` unless `seq` = newest + 1: somebody signed meanwhile.
   */
  put(statement: OwnStatement): void
  /** Goes on from one that another device signed, and that was sent: what was kept of its type gives way to it. */
  goOnFrom(statement: OwnStatement): void
  /**
   * Forgets those from this `seq` on that were not sent with success: the server refused them, others take their places.
   * Done ones stay.
   */
  withdraw(typ: OwnStatement['typ'], seq: number): void
  markDone(typ: OwnStatement['typ'], seq: number): void
  /** To be put (again) after a start, in order. */
  unsent(): OwnStatement[]
}
