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
} from '../rows.ts'

/** Rows by their key, in the order in which they were first put. Keys of two parts are joined by a space. */
export interface Tables {
  readonly users: Map<string, UserRow>
  readonly devices: Map<string, DeviceRow>
  readonly statements: Map<string, StatementRow>
  readonly keyRoles: Map<string, KeyRoleRow>
  readonly enrolments: Map<string, EnrolmentRow>
  readonly keys: Map<string, KeyRow>
  readonly applications: Map<string, ApplicationRow>
  readonly transfers: Map<string, TransferRow>
  readonly deliveries: Map<string, DeliveryRow>
  readonly envelopes: Map<string, SealedEnvelopeRow>
  readonly notices: Map<string, StoredNotice>
  readonly decisions: Map<string, DecisionRow>
  readonly idempotency: Map<string, IdempotencyRow>
  readonly leaves: Map<number, LeafRow>
  readonly tiles: Map<string, Uint8Array>
  readonly meta: Map<string, string>
  /** Cursor of the newest notice: it never comes again, also if that notice was deleted. */
  readonly cursor: Map<'notice', number>
}

export function emptyTables(): Tables {
  return {
    users: new Map(),
    devices: new Map(),
    statements: new Map(),
    keyRoles: new Map(),
    enrolments: new Map(),
    keys: new Map(),
    applications: new Map(),
    transfers: new Map(),
    deliveries: new Map(),
    envelopes: new Map(),
    notices: new Map(),
    decisions: new Map(),
    idempotency: new Map(),
    leaves: new Map(),
    tiles: new Map(),
    meta: new Map(),
    cursor: new Map(),
  }
}
