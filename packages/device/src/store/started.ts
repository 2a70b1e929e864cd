import type { DeviceId, EpochSeconds, KeyClass, KeyId, TransferId, UserId } from '@keyferry/protocol'

/**
 * A transfer that was started here (E1), with what its human entered: a confirmation counts for exactly this (S12). Kept before
 * it is sent, so that a repeat after a crash is the same request.
 */
export interface StartedTransfer {
  /** Of the request; 16..64 characters. */
  readonly idempotencyKey: string
  /** The body sent: JSON. */
  readonly request: string
  /** `null` until the server has answered. */
  readonly tr: TransferId | null
  readonly key: KeyId
  readonly class: KeyClass
  readonly targets: readonly StartedTarget[]
  /** 16 octets b64u that this target gave at E1: the envelope must name them (T5). */
  readonly nonce: string | null
  /** Whether the human has already said yes to giving this key to these targets. */
  readonly confirmed: boolean
  readonly at: EpochSeconds
  readonly deadline: EpochSeconds
}

export interface StartedTarget {
  readonly device?: DeviceId
  readonly user?: UserId
  /** The name that the human entered or chose. */
  readonly username: string | null
}

export interface StartedTransferStore {
  find(tr: TransferId): StartedTransfer | null
  list(): StartedTransfer[]
  /** Those that the server may not have. Oldest first. */
  unanswered(): StartedTransfer[]
  put(started: StartedTransfer): void
  /** @throws {KeyferryError} `state-conflict` if there is no such start, or it has another `tr`. */
  answered(idempotencyKey: string, tr: TransferId): void
  remove(idempotencyKey: string): void
}
