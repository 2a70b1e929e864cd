import type {
  DeliveryId,
  DeliveryState,
  DeviceId,
  DeviceKind,
  EnrolmentId,
  EpochSeconds,
  KeyClass,
  KeyId,
  Mechanism,
  MinExposure,
  NoticeId,
  OrderKey,
  Ref,
  Thumbprint,
  TransferId,
  UserId,
} from '@keyferry/protocol'

/**
 * What the server keeps, as plain data. A row with `version` is replaced by compare and swap: the writer names the version
 * that it read. There is no field for key octets anywhere; a wrapped key lives in `SealedEnvelopeRow` only.
 */

/** Somebody with a root key. The name is the server's word; devices believe pins and certificates instead. */
export interface UserRow {
  readonly id: UserId
  readonly username: string
  /** Newest device set that counts (a hand-over set waits in `handoverRef` until its successor is put). */
  readonly setRef: Ref
  readonly setSeq: number
  readonly handoverRef: Ref | null
  /** May use what PROTOCOL 15 reserves to administrators. */
  readonly admin: boolean
  readonly createdAt: EpochSeconds
  readonly version: number
}

/** Why a device counts or not: `active` is in its user's newest set, `revoked` is not (any more). */
export type DeviceState = 'active' | 'revoked'

export interface DeviceRow {
  readonly id: DeviceId
  readonly user: UserId
  readonly state: DeviceState
  readonly kind: DeviceKind
  readonly statementRef: Ref
  readonly statementSeq: number
  /** Thumbprint of the host agent's key, if the statement names one. */
  readonly accessKey: Thumbprint | null
  readonly suspended: { readonly reason: string; readonly at: EpochSeconds } | null
  readonly lastProofAt: EpochSeconds | null
  readonly createdAt: EpochSeconds
  readonly version: number
}

/** A signed statement exactly as received: device, device-set, user, grant, order or receipt (compact JWS). */
export interface StatementRow {
  readonly ref: Ref
  readonly typ: string
  /** Root id of the user whom it belongs to: owner, grantee's owner, the user certified; `dstUser` of a receipt. */
  readonly user: UserId
  /** Device id (device), user name (`kf-user`), thumbprint of the grantee (grant), `dl` (order, receipt), or ''. */
  readonly subject: string
  readonly seq: number
  readonly text: string
  readonly createdAt: EpochSeconds
}

export type KeyRole = 'root' | 'device' | 'access' | 'transport' | 'ca' | 'application' | 'server' | 'log'

/** One meaning per thumbprint (PROTOCOL 4). */
export interface KeyRoleRow {
  readonly thumbprint: Thumbprint
  readonly role: KeyRole
  /** Whose: a root id (root), a device id (device, access, transport), its own id (others). */
  readonly holder: string
}

export type EnrolmentState = 'open' | 'claimed' | 'answered' | 'proven' | 'approved' | 'denied' | 'expired'

export interface EnrolmentRow {
  readonly id: EnrolmentId
  /** SHA-256 of the code, b64u. Kept after the claim: by it the same claim, sent again, finds its enrolment. */
  readonly codeHash: string
  readonly state: EnrolmentState
  readonly username: string
  /** Root id; null for the first device of somebody. */
  readonly user: UserId | null
  readonly reason: string | null
  /** What N sent at the claim, and the key that signed it. */
  readonly claim: { readonly statement: string; readonly mac?: string } | null
  readonly claimant: Thumbprint | null
  readonly device: DeviceId | null
  readonly answer: { readonly answer: string; readonly mac: string } | null
  /** Ref of the set that the answer names. */
  readonly set: Ref | null
  readonly proof: { readonly answers: readonly { readonly kid: string; readonly mac: string }[] } | null
  readonly createdAt: EpochSeconds
  readonly expiresAt: EpochSeconds
  readonly version: number
}

/** Catalogue entry of a key: what is said of it, never what it is (PROTOCOL 15, `/v1/keys`). */
export interface KeyRow {
  readonly id: KeyId
  readonly owner: UserId
  readonly class: KeyClass
  readonly type: string
  readonly generation: number
  readonly sources: readonly DeviceId[]
  readonly usages: readonly string[] | null
  readonly username: string | null
  readonly container: string | null
  readonly label: string | null
  readonly validFrom: EpochSeconds | null
  readonly validUntil: EpochSeconds | null
  readonly withdrawn: boolean
  readonly version: number
}

export type RequesterType = 'device' | 'user' | 'application'

export interface Requester {
  readonly type: RequesterType
  /** Device id, root id or application id. */
  readonly id: string
  /** Root id on whose behalf; null for applications. */
  readonly user: UserId | null
}

export interface TransferRow {
  readonly tr: TransferId
  readonly requester: Requester
  readonly key: KeyId
  readonly purpose: string | null
  readonly notBefore: EpochSeconds | null
  readonly deadline: EpochSeconds
  readonly createdAt: EpochSeconds
}

export type Stage = 'ac1' | 'ac2' | 'source' | 'target'
export type WaitingFor = 'source-proof' | 'target-proof' | 'approval' | 'order' | 'code'

export interface ApprovalEntry {
  readonly stage: 'ac1' | 'ac2'
  readonly by: UserId
  readonly decision: 'permit' | 'deny'
  readonly at: EpochSeconds
}

/** Whose yes was asked for, and by which of his devices he was told. */
export interface AskedApprover {
  readonly user: UserId
  readonly devices: readonly DeviceId[]
}

export interface DeliveryRow {
  readonly dl: DeliveryId
  readonly tr: TransferId
  readonly requester: Requester
  readonly purpose: string | null
  /** The requester named this device himself: else he does not see it before AC1 permits. */
  readonly named: boolean
  readonly state: DeliveryState
  readonly stage: Stage | null
  readonly reason: string | null
  readonly waitingFor: readonly WaitingFor[]
  readonly attempt: number
  readonly key: OrderKey
  readonly keyId: KeyId
  readonly owner: UserId
  readonly container: string | null
  readonly username: string | null
  readonly source: DeviceId
  readonly target: DeviceId
  readonly targetUser: UserId
  readonly orderBy: 'source' | Thumbprint
  readonly mechanism: Mechanism
  readonly minExposure: MinExposure
  readonly redelivery: boolean
  readonly nonce: string | null
  readonly notBefore: EpochSeconds | null
  readonly deadline: EpochSeconds
  readonly changedAt: EpochSeconds
  readonly collections: number
  /** Of this attempt: from then on the source (or who orders) is told; null before. */
  readonly admittedAt: EpochSeconds | null
  /** Of this attempt: from then on the target is told; null before. */
  readonly releasedAt: EpochSeconds | null
  readonly approvals: readonly ApprovalEntry[]
  /** Of this attempt, both stages. */
  readonly approvers: readonly AskedApprover[]
  /** Refs of this attempt. */
  readonly orderRef: Ref | null
  readonly envelopeRef: Ref | null
  /** SHA-256 of the envelope octets, b64u: tells a repeat from another envelope after the octets are erased. */
  readonly envelopeDigest: string | null
  readonly receiptRef: Ref | null
  readonly lateReceipt: boolean
  readonly cancelledBy: string | null
  readonly version: number
}

/** The envelope octets under a random key of their own (AES-256-GCM): erasing the row of either makes them unreadable. */
export interface SealedEnvelopeRow {
  readonly dl: DeliveryId
  readonly attempt: number
  /** 12-octet nonce || ciphertext || 16-octet tag. */
  readonly sealed: Uint8Array
  /** 32 octets. Stored in a table of its own. */
  readonly key: Uint8Array
}

export type NoticeType =
  | 'source-requested'
  | 'target-available'
  | 'order-requested'
  | 'approval-requested'
  | 'wake'
  | 'outcome'
  | 'enrolment-claimed'
  | 'device-changed'
  | 'channel-check'

/** Outbox entry: made in the transaction of the change that it tells of. */
export interface NoticeRow {
  readonly id: NoticeId
  readonly type: NoticeType
  /** Device, user or application id. */
  readonly recipient: string
  readonly delivery: DeliveryId | null
  readonly enrolment: EnrolmentId | null
  readonly createdAt: EpochSeconds
  readonly expiresAt: EpochSeconds
  readonly state: 'queued' | 'sent' | 'acknowledged' | 'dead'
}
/** `cursor` grows in commit order: the `id:` of a stream. */
export interface StoredNotice extends NoticeRow {
  readonly cursor: number
}

/** Decision record octets (PROTOCOL 6). */
export interface DecisionRow {
  readonly ref: Ref
  readonly dl: DeliveryId
  readonly attempt: number
  readonly octets: Uint8Array
  readonly createdAt: EpochSeconds
}

export interface IdempotencyRow {
  /** keyid, or user id of a session. */
  readonly scope: string
  readonly key: string
  /** SHA-256 of method, URI and digest, b64u. */
  readonly request: string
  readonly status: number
  readonly body: string
  readonly expiresAt: EpochSeconds
}

export interface ApplicationRow {
  readonly id: Thumbprint
  readonly jwk: string
  readonly name: string
  readonly version: number
}

export interface LeafRow {
  readonly index: number
  /** `<typ> <ref> <tag>` (PROTOCOL 11). */
  readonly text: string
  readonly ref: Ref
}
