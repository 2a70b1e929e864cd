import type { Generated } from 'kysely'

/**
 * What the database holds. A row is kept whole as JSON in `doc`; the columns beside it are only what queries look at, or what is
 * changed without being read (`last_proof_at`, `state` of a notice: they count, not their copy in `doc`). So a new member of a row
 * needs no migration, and an old server passes on what it does not know. What is bare octets or small has plain columns.
 */
export interface Tables {
  account: { id: string; username: string; version: number; doc: string }
  device: {
    id: string
    user_id: string
    access_key: string | null
    last_proof_at: number | null
    version: number
    doc: string
  }
  statement: { ref: string; user_id: string; typ: string; seq: number; doc: string }
  key_role: { thumbprint: string; role: string; holder: string }
  enrolment: {
    seq: Generated<number>
    id: string
    code_hash: string | null
    device: string | null
    expires_at: number
    version: number
    doc: string
  }
  catalogue_key: { id: string; owner: string; version: number; doc: string }
  application: { id: string; version: number; doc: string }
  transfer: { seq: Generated<number>; tr: string; doc: string }
  /** Who may list a transfer: users and applications. */
  transfer_party: { party: string; seq: number }
  delivery: {
    seq: Generated<number>
    dl: string
    tr: string
    state: string
    /** 1 until the state is terminal. */
    open: number
    key_id: string
    owner: string
    source: string
    target: string
    target_user: string
    deadline: number
    version: number
    doc: string
  }
  sealed_envelope: { dl: string; attempt: number; slot: number; sealed: Uint8Array }
  /** Random keys of the sealed envelopes. A slot is overwritten in place and used again, never deleted: see write-statements.ts. */
  key_slot: { slot: Generated<number>; used: number; key: Uint8Array }
  notice: {
    cursor: Generated<number>
    id: string
    recipient: string
    delivery: string | null
    type: string
    state: string
    /** 1 until acknowledged or dead. */
    waiting: number
    created_at: number
    expires_at: number
    doc: string
  }
  decision: { dl: string; n: number; ref: string; attempt: number; octets: Uint8Array; created_at: number }
  idempotency: { scope: string; key: string; request: string; status: number; body: string; expires_at: number }
  leaf: { idx: number; ref: string; text: string }
  tile: { level: number; idx: number; hashes: Uint8Array }
  meta: { name: string; value: string }
}
