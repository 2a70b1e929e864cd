import type { DeliveryId, EpochSeconds, Ref } from '@keyferry/protocol'

/** An order that this device signed for another source: one for each (`dl`, attempt) (PROTOCOL 2.4). */
export interface MadeOrder {
  readonly dl: DeliveryId
  readonly attempt: number
  readonly ref: Ref
  /** Compact JWS. */
  readonly text: string
  readonly at: EpochSeconds
}

export interface OrderStore {
  find(dl: DeliveryId, attempt: number): MadeOrder | null
  /** @throws {KeyferryError} `replayed` if another order exists for this (`dl`, attempt). */
  put(order: MadeOrder): void
  markDone(dl: DeliveryId, attempt: number): void
  /** To be put (again) after a start. Oldest first. */
  unsent(): MadeOrder[]
}
