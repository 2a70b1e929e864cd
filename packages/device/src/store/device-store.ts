import type { ConsentStore } from './consents.ts'
import type { EnvelopeStore } from './envelopes.ts'
import type { IdentityStore } from './identity.ts'
import type { AlarmStore, ClockStore, RefusalStore, UnwrapFailureStore } from './journal.ts'
import type { KeyRecordStore } from './key-records.ts'
import type { OrderStore } from './orders.ts'
import type { OwnStatementStore } from './own-statements.ts'
import type { PinStore } from './pins.ts'
import type { QuestionStore } from './questions.ts'
import type { ReceiptStore } from './receipts.ts'
import type { ReplayStore } from './replay.ts'
import type { SealedKeyStore } from './sealed-keys.ts'
import type { SeenStore } from './seen.ts'
import type { StartedTransferStore } from './started.ts'
import type { AnchorStore, RuleStore, ServerKeyStore } from './trust.ts'

/**
 * What a device keeps (the trust file of PROTOCOL 3, and 9, 10): one durable state, seen from many sides.
 *
 * - Durable: a write has reached the disk when it returns.
 * - Concurrent: several processes may hold the same store (agent and command line). A write waits for the others, up to ten
 *   seconds, then fails with `store-failed`; readers never wait. What was read outside a transaction may be old when it is
 *   written: the methods that matter compare first and say `state-conflict` or `replayed`.
 * - Absent: `find...` returns `null`, removing what is not there does nothing.
 * - Not to be restored from a backup: it would forget replay entries and what it had seen. Enrol anew (PROTOCOL 10).
 */
export interface DeviceStore {
  readonly identity: IdentityStore
  readonly anchors: AnchorStore
  readonly serverKeys: ServerKeyStore
  readonly rules: RuleStore
  readonly pins: PinStore
  readonly seen: SeenStore
  readonly clock: ClockStore

  readonly keys: KeyRecordStore
  readonly sealedKeys: SealedKeyStore
  readonly consents: ConsentStore
  readonly ownStatements: OwnStatementStore

  readonly started: StartedTransferStore
  readonly orders: OrderStore
  readonly envelopes: EnvelopeStore
  readonly receipts: ReceiptStore
  readonly replay: ReplayStore
  readonly questions: QuestionStore

  readonly refusals: RefusalStore
  readonly alarms: AlarmStore
  readonly unwrapFailures: UnwrapFailureStore

  /**
   * Makes all that `action` reads and writes here one step: nothing of it is there before it returns, all of it after, whatever
   * happens to process or power. No other writer comes between. If `action` throws, nothing was written.
   *
   * Synchronous inside: await before, never within (a `TypeError` says so). Nested calls are part of the outer one, and
   * undone alone if they throw.
   *
   * @throws {KeyferryError} `store-failed` when the disk does not take it, or others write for too long.
   */
  transaction<T>(action: () => T): T

  /** Afterwards nothing may be called. */
  close(): void
}
