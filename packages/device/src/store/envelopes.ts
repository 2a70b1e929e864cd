import type { DeliveryId, EpochSeconds, Ref } from '@keyferry/protocol'

/** An envelope that this source made: the only one of its (`dl`, attempt), whatever happens (S3, S13, PROTOCOL 10). */
export interface MadeEnvelope {
  readonly dl: DeliveryId
  readonly attempt: number
  readonly ref: Ref
  /** As signed; every repeat sends these octets. */
  readonly octets: Uint8Array
  /** The grant that permitted it: counted per UTC day. */
  readonly grant: Ref | null
  readonly at: EpochSeconds
}

export interface EnvelopeStore {
  find(dl: DeliveryId, attempt: number): MadeEnvelope | null
  /**
   * Durable before it returns; only then send. The same octets again change nothing.
   * @throws {KeyferryError} `replayed` if another envelope exists for this (`dl`, attempt).
   */
  put(envelope: MadeEnvelope): void
  /** The server has it, or refused it for good: it is not sent again unasked. */
  markDone(dl: DeliveryId, attempt: number): void
  /** To be sent (again) after a start. Oldest first. */
  unsent(): MadeEnvelope[]
  /** How many were made under this grant in the UTC day of `at` (`perDay`). */
  countOfDay(grant: Ref, at: EpochSeconds): number
}
