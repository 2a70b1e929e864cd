import type { DeliveryId, EpochSeconds, Ref } from '@keyferry/protocol'

/** A receipt that this device waits for, because it ordered or asked for the delivery (PROTOCOL 5), or has. */
export interface AwaitedReceipt {
  readonly dl: DeliveryId
  readonly attempt: number
  /** The human is alarmed if none has come by then; `null` = nobody waits (any more). */
  readonly dueAt: EpochSeconds | null
  /** The first valid one: compact JWS. */
  readonly text: string | null
}

export interface ReceiptStore {
  find(dl: DeliveryId, attempt: number): AwaitedReceipt | null
  /** Waits from now on; the earlier of two times counts. */
  await(dl: DeliveryId, attempt: number, dueAt: EpochSeconds): void
  /**
   * Keeps a receipt that passed all checks, awaited or not.
   * @returns `different` if another valid one was kept before: the first stays, and this is an alarm (PROTOCOL 9.3).
   */
  keep(dl: DeliveryId, attempt: number, ref: Ref, text: string): 'first' | 'same' | 'different'
  waiting(): AwaitedReceipt[]
  overdue(now: EpochSeconds): AwaitedReceipt[]
  /** Waits no longer: the delivery ended otherwise, and its human knows. */
  release(dl: DeliveryId, attempt: number): void
}
