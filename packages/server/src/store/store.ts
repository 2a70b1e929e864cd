import type {
  DeliveryId,
  DeliveryState,
  DeviceId,
  EnrolmentId,
  EpochSeconds,
  KeyId,
  NoticeId,
  Ref,
  Thumbprint,
  TransferId,
  UserId,
} from '@keyferry/protocol'
import type { Change, Committed } from './changes.ts'
import type {
  ApplicationRow,
  DecisionRow,
  DeliveryRow,
  DeviceRow,
  EnrolmentRow,
  IdempotencyRow,
  KeyRoleRow,
  KeyRow,
  LeafRow,
  SealedEnvelopeRow,
  StatementRow,
  StoredNotice,
  TransferRow,
  UserRow,
} from './rows.ts'

export interface DeliveryQuery {
  readonly party: DeviceId
  readonly role: 'source' | 'target'
  readonly states?: readonly DeliveryState[]
  readonly limit: number
  /** `dl` of the last one seen, exclusive. Order: newest first. */
  readonly after?: DeliveryId
}

/** Where the server reads. Sees everything committed before the call. Resolves to `null` when there is none. */
export interface Reader {
  user(id: UserId): Promise<UserRow | null>
  userByName(name: string): Promise<UserRow | null>
  users(limit: number, after?: UserId): Promise<readonly UserRow[]>
  device(id: DeviceId): Promise<DeviceRow | null>
  /** By its signing key or its access key. */
  deviceByKey(key: Thumbprint): Promise<DeviceRow | null>
  devicesOf(user: UserId): Promise<readonly DeviceRow[]>
  application(id: Thumbprint): Promise<ApplicationRow | null>
  keyRole(thumbprint: Thumbprint): Promise<KeyRoleRow | null>
  statement(ref: Ref): Promise<StatementRow | null>
  /** All statements of a typ that belong to a user, by `seq`, oldest first. */
  statementsOf(user: UserId, typ: string): Promise<readonly StatementRow[]>
  enrolment(id: EnrolmentId): Promise<EnrolmentRow | null>
  enrolmentByCode(codeHash: string): Promise<EnrolmentRow | null>
  /** Those that this device claimed (`device`), newest first: a set that brings it in needs a `proven` one. */
  enrolmentsOf(device: DeviceId): Promise<readonly EnrolmentRow[]>
  key(id: KeyId): Promise<KeyRow | null>
  keysOf(owner: UserId, limit: number, after?: KeyId): Promise<readonly KeyRow[]>
  transfer(tr: TransferId): Promise<TransferRow | null>
  /** Those that a user (one of its devices) or an application asked for, of whose key or target it is the user; newest first. */
  transfersOf(party: string, limit: number, after?: TransferId): Promise<readonly TransferRow[]>
  delivery(dl: DeliveryId): Promise<DeliveryRow | null>
  deliveriesOf(tr: TransferId): Promise<readonly DeliveryRow[]>
  deliveries(query: DeliveryQuery): Promise<readonly DeliveryRow[]>
  /** Waiting for a decision that this device's proof can bring: source in `requested`, target in `deposited`. Oldest first. */
  pendingDecisions(device: DeviceId, limit: number): Promise<readonly DeliveryRow[]>
  /** Not terminal and at or past the deadline, oldest deadline first. */
  overdue(now: EpochSeconds, limit: number): Promise<readonly DeliveryRow[]>
  /** Not terminal deliveries whose source or target, whose owner or target's user, or whose key is one of these. */
  openDeliveries(what: { device?: DeviceId; user?: UserId; key?: KeyId }): Promise<readonly DeliveryRow[]>
  /** Not terminal deliveries of this key for this target, any generation. */
  sameKeySameTarget(key: KeyId, target: DeviceId): Promise<readonly DeliveryRow[]>
  /** Devices to which a delivery of this key was completed (PROTOCOL 6, `copies`). */
  copiesOf(key: KeyId): Promise<number>
  sealedEnvelope(dl: DeliveryId, attempt: number): Promise<SealedEnvelopeRow | null>
  notice(id: NoticeId): Promise<StoredNotice | null>
  /** Neither acknowledged nor expired nor dead, in cursor order, after a cursor (exclusive). */
  inbox(recipient: string, now: EpochSeconds, limit: number, afterCursor?: number): Promise<readonly StoredNotice[]>
  /** Whether a `wake` for this recipient made at or after `since` waits. */
  hasWake(recipient: string, since: EpochSeconds): Promise<boolean>
  decisions(dl: DeliveryId): Promise<readonly DecisionRow[]>
  idempotent(scope: string, key: string): Promise<IdempotencyRow | null>
  /** Index of the first leaf with this ref. */
  leafIndex(ref: Ref): Promise<number | null>
  leafCount(): Promise<number>
  leaves(from: number, to: number): Promise<readonly LeafRow[]>
  tile(level: number, index: number): Promise<Uint8Array | null>
  meta(name: string): Promise<string | null>
  /** Whether something is there that `sweep-expired` would delete. */
  hasExpired(before: EpochSeconds): Promise<boolean>
  /** Figures for `keyferry serve`'s greeting. */
  counts(): Promise<{ readonly users: number; readonly devices: number }>
}

/**
 * Where the server keeps everything. Methods may run concurrently, later from several processes.
 * A resolved `commit` is durable: it survives loss of power. A rejected one wrote nothing; only after `unavailable` a disk that
 * failed may hold it all the same, so whoever tries again reads again first.
 */
export interface Store {
  readonly read: Reader
  /**
   * Writes one unit of work: all changes or none. Concurrent units share a transaction; a bad one fails alone.
   * @throws {KeyferryError} `state-conflict` when another writer was first (read again, decide again);
   *   `key-in-use`; `unavailable` when nothing can be written now (disk full, read-only).
   */
  commit(changes: readonly Change[]): Promise<Committed>
  close(): Promise<void>
}
