import type { DeliveryId, EpochSeconds, KeyId, Ref } from '@keyferry/protocol'

/**
 * What became of one (`dl`, attempt) at this target. `refused` and `receipt` are final; `pending` says that a key store without
 * transactions may already hold the key: finish at the next start (T10).
 */
export type Outcome =
  | { readonly kind: 'pending'; readonly key: KeyId; readonly generation: number }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Compact JWS, `installed` or `rejected`. */
  | { readonly kind: 'receipt'; readonly text: string }

export interface ReplayEntry {
  readonly dl: DeliveryId
  readonly attempt: number
  /** `null` for the refusal of a T2 answer that could not be read: it names none. */
  readonly envelope: Ref | null
  readonly outcome: Outcome
  /** KTI `exp` + 90 days; `null` = for ever (a device without a clock, or `exp` was not readable). */
  readonly keepUntil: EpochSeconds | null
}

/** Replay entries and last accepted generations of a target (PROTOCOL 9.3 T6, T10; 10). */
export interface ReplayStore {
  find(dl: DeliveryId, attempt: number): ReplayEntry | null
  /**
   * Keeps an outcome before it is sent. A pending entry becomes final once, for the same envelope; the same outcome again
   * changes nothing.
   * @throws {KeyferryError} `replayed` if this (`dl`, attempt) has another outcome or envelope.
   */
  record(entry: ReplayEntry): void
  markDone(dl: DeliveryId, attempt: number): void
  /** Final outcomes that the server may not have. Oldest first. */
  unsent(): ReplayEntry[]
  pending(): ReplayEntry[]
  /** Drops what may be forgotten: final, and past `keepUntil`. Generations stay for ever. */
  forget(now: EpochSeconds): void
  /** The last accepted generation of a key; `null` if there was none. */
  lastGeneration(key: KeyId): number | null
  /**
   * T6 once more, to be called inside the transaction of T10.
   * @throws {KeyferryError} `generation-old`; `already-installed` for an equal one without `redelivery`.
   */
  accept(key: KeyId, generation: number, redelivery: boolean): void
}
