import type { DeliveryId, NoticeId, Ref, Thumbprint } from '@keyferry/protocol'
import type {
  ApplicationRow,
  DecisionRow,
  DeliveryRow,
  DeviceRow,
  EnrolmentRow,
  IdempotencyRow,
  KeyRoleRow,
  KeyRow,
  NoticeRow,
  SealedEnvelopeRow,
  StatementRow,
  TransferRow,
  UserRow,
} from './rows.ts'

/**
 * One write, as data. A use case reads, decides, and hands a list of these to `Store.commit`; all are written or none.
 * `insert-*` fails with `state-conflict` if the row is there; `replace-*` unless the stored version is `after.version - 1`.
 * Plain structured-clonable values only: they cross into the writer thread.
 */
export type Change =
  | { readonly kind: 'insert-user'; readonly row: UserRow }
  | { readonly kind: 'replace-user'; readonly row: UserRow }
  | { readonly kind: 'insert-device'; readonly row: DeviceRow }
  | { readonly kind: 'replace-device'; readonly row: DeviceRow }
  /** Not versioned, never goes back, and `replace-device` keeps the later one; of an unknown device: ignored. */
  | { readonly kind: 'note-proof'; readonly device: string; readonly at: number }
  /** Known already (same ref): nothing happens. */
  | { readonly kind: 'put-statement'; readonly row: StatementRow }
  /** Fails with `key-in-use` if the thumbprint has another role or holder. */
  | { readonly kind: 'claim-key'; readonly row: KeyRoleRow }
  | { readonly kind: 'insert-enrolment'; readonly row: EnrolmentRow }
  | { readonly kind: 'replace-enrolment'; readonly row: EnrolmentRow }
  | { readonly kind: 'insert-key'; readonly row: KeyRow }
  | { readonly kind: 'replace-key'; readonly row: KeyRow }
  | { readonly kind: 'insert-application'; readonly row: ApplicationRow }
  | { readonly kind: 'replace-application'; readonly row: ApplicationRow }
  | { readonly kind: 'insert-transfer'; readonly row: TransferRow }
  | { readonly kind: 'insert-delivery'; readonly row: DeliveryRow }
  | { readonly kind: 'replace-delivery'; readonly row: DeliveryRow }
  | { readonly kind: 'insert-envelope'; readonly row: SealedEnvelopeRow }
  /** Erases the wrapped key of this delivery and its random key, all attempts; nothing there is fine. */
  | { readonly kind: 'erase-envelopes'; readonly dl: DeliveryId }
  | { readonly kind: 'insert-notice'; readonly row: NoticeRow }
  /** Only those of this recipient; unknown ones are ignored. */
  | { readonly kind: 'acknowledge-notices'; readonly recipient: string; readonly ids: readonly NoticeId[] }
  /** Those made so far for a delivery: nobody need see them any more. Acknowledged ones stay acknowledged. */
  | { readonly kind: 'retire-notices'; readonly delivery: DeliveryId }
  /** Known already (same ref, so the same octets): nothing happens. */
  | { readonly kind: 'insert-decision'; readonly row: DecisionRow }
  | { readonly kind: 'insert-idempotency'; readonly row: IdempotencyRow }
  /** `index` is given by the writer, in commit order, without gaps. */
  | { readonly kind: 'append-leaf'; readonly ref: Ref; readonly text: string }
  | { readonly kind: 'put-meta'; readonly name: string; readonly value: string }
  /** Nothing there is fine. */
  | { readonly kind: 'delete-meta'; readonly name: string }
  /** A full tile of the log (C2SP tlog-tiles): 256 hashes of 32 octets. Same again is fine. */
  | { readonly kind: 'put-tile'; readonly level: number; readonly index: number; readonly hashes: Uint8Array }
  /** Deletes idempotency entries, enrolments and notices that expired before this time: at most `limit` of each. */
  | { readonly kind: 'sweep-expired'; readonly before: number; readonly limit: number }

export type ChangeKind = Change['kind']

export interface Committed {
  /** Index in the log of each `append-leaf` of this unit, in order. */
  readonly leafIndexes: readonly number[]
}

/** For readers of this file: who may be named by a thumbprint. */
export type KeyHolder = { readonly role: KeyRoleRow['role']; readonly holder: string; readonly thumbprint: Thumbprint }
