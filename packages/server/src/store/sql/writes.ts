import { isTerminal } from '@keyferry/protocol'
import type { Kysely } from 'kysely'
import type { Change, ChangeKind } from '../changes.ts'
import type { DeliveryRow } from '../rows.ts'
import type { SqlValue, Write } from './compiled.ts'
import type { Tables } from './tables.ts'
import { type Versioned, writeStatements } from './write-statements.ts'

/** One statement of a unit of work, with its values. */
export interface Step {
  readonly write: Write<never>
  readonly values: SqlValue[]
}

/** From change to SQL. */
export interface Writes {
  /** All statements there are, for whoever prepares them beforehand. */
  readonly all: readonly Write<never>[]
  stepsFor(change: Change): readonly Step[]
}

type Plan = { readonly [K in ChangeKind]: (change: Extract<Change, { kind: K }>) => readonly Step[] }

export function sqlWrites(db: Kysely<Tables>): Writes {
  const w = writeStatements(db)
  const plan: Plan = {
    'insert-user': ({ row }) => [step(w.insertAccount, { ...row, doc: JSON.stringify(row) })],
    'replace-user': ({ row }) => [step(w.replaceAccount, versioned(row))],
    'insert-device': ({ row }) => [step(w.insertDevice, { ...row, doc: JSON.stringify(row) })],
    'replace-device': ({ row }) => [
      step(w.replaceDevice, versioned(row)),
      ...(row.lastProofAt === null ? [] : [step(w.noteProof, { device: row.id, at: row.lastProofAt })]),
    ],
    'note-proof': (change) => [step(w.noteProof, change)],
    'put-statement': ({ row }) => [step(w.putStatement, { ...row, doc: JSON.stringify(row) })],
    'claim-key': ({ row }) => [step(w.claimKey, row)],
    'insert-enrolment': ({ row }) => [step(w.insertEnrolment, { ...row, doc: JSON.stringify(row) })],
    'replace-enrolment': ({ row }) => [step(w.replaceEnrolment, versioned(row))],
    'insert-key': ({ row }) => [step(w.insertKey, { ...row, doc: JSON.stringify(row) })],
    'replace-key': ({ row }) => [step(w.replaceKey, versioned(row))],
    'insert-application': ({ row }) => [step(w.insertApplication, { ...row, doc: JSON.stringify(row) })],
    'replace-application': ({ row }) => [step(w.replaceApplication, versioned(row))],
    'insert-transfer': ({ row }) => [
      step(w.insertTransfer, { tr: row.tr, doc: JSON.stringify(row) }),
      step(w.addParty, { tr: row.tr, party: row.requester.user ?? row.requester.id }),
    ],
    'insert-delivery': ({ row }) => [
      step(w.insertDelivery, { ...row, open: openFlag(row), doc: JSON.stringify(row) }),
      ...[...new Set([row.owner, row.targetUser])].map((party) => step(w.addParty, { tr: row.tr, party })),
    ],
    'replace-delivery': ({ row }) =>
      staysOpen(row)
        ? [step(w.moveDelivery, versioned(row))]
        : [step(w.replaceDelivery, { ...versioned(row), open: openFlag(row) })],
    'insert-envelope': ({ row }) => [
      step(w.makeFreeSlot, {}),
      step(w.insertEnvelope, row),
      step(w.fillSlot, { dl: row.dl, attempt: row.attempt, key: row.key }),
    ],
    'erase-envelopes': ({ dl }) => [step(w.emptySlots, { dl }), step(w.deleteEnvelopes, { dl })],
    'insert-notice': ({ row }) => [
      step(w.insertNotice, { ...row, waiting: waitingFlag(row.state), doc: JSON.stringify(row) }),
    ],
    'acknowledge-notices': ({ recipient, ids }) => ids.map((id) => step(w.acknowledgeNotice, { recipient, id })),
    'retire-notices': ({ delivery }) => [step(w.retireNotices, { delivery })],
    'insert-decision': ({ row }) => [step(w.insertDecision, row)],
    'insert-idempotency': ({ row }) => [step(w.insertIdempotency, row)],
    'append-leaf': ({ ref, text }) => [step(w.appendLeaf, { ref, text })],
    'put-meta': (change) => [step(w.putMeta, change)],
    'delete-meta': (change) => [step(w.deleteMeta, change)],
    'put-tile': (change) => [step(w.putTile, change)],
    'sweep-expired': (change) => [
      step(w.sweepIdempotency, change),
      step(w.sweepEnrolments, change),
      step(w.sweepNotices, change),
    ],
  }
  return {
    all: Object.values(w),
    stepsFor: (change) => plan[change.kind](change as never),
  }
}

/** Compare and swap: the row that was read had the version before. */
function versioned<T extends { readonly version: number }>(row: T): T & Versioned {
  return { ...row, before: row.version - 1, doc: JSON.stringify(row) }
}

function step<V>(write: Write<V>, values: NoInfer<V>): Step {
  return { write: write as Write<never>, values: write.bind(values) }
}

/** By the table of PROTOCOL 5 an open delivery goes to these, its deadline unchanged; a retry comes back by `requested`. */
function staysOpen({ state }: DeliveryRow): boolean {
  return state !== 'requested' && !isTerminal(state)
}

function openFlag({ state }: DeliveryRow): number {
  return isTerminal(state) ? 0 : 1
}

function waitingFlag(state: string): number {
  return state === 'queued' || state === 'sent' ? 1 : 0
}
