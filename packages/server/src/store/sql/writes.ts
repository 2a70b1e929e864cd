import { isTerminal } from '@keyferry/protocol'
import { type Kysely, sql } from 'kysely'
import type { Change, ChangeKind } from '../changes.ts'
import type { DeliveryRow } from '../rows.ts'
import { compiledWrite, type SqlValue, type Write } from './compiled.ts'
import type { Tables } from './tables.ts'

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

const CONFLICT = { unlessOne: 'state-conflict' } as const

export function sqlWrites(db: Kysely<Tables>): Writes {
  const w = statements(db)
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
    'put-tile': (change) => [step(w.putTile, change)],
    'sweep-expired': ({ before }) => [
      step(w.sweepIdempotency, { before }),
      step(w.sweepEnrolments, { before }),
      step(w.sweepNotices, { before }),
    ],
  }
  return {
    all: Object.values(w),
    stepsFor: (change) => plan[change.kind](change as never),
  }
}

function statements(db: Kysely<Tables>) {
  const update = <T extends 'account' | 'catalogue_key' | 'application'>(table: T) => db.updateTable(table as 'account')
  return {
    insertAccount: compiledWrite<{ id: string; username: string; version: number; doc: string }>(
      ({ id, username, version, doc }) => db.insertInto('account').values({ id, username, version, doc }),
    ),
    replaceAccount: compiledWrite<Versioned & { id: string; username: string }>(
      ({ id, username, before, version, doc }) =>
        update('account').set({ username, version, doc }).where('id', '=', id).where('version', '=', before),
      CONFLICT,
    ),
    insertDevice: compiledWrite<{
      id: string
      user: string
      accessKey: string | null
      lastProofAt: number | null
      version: number
      doc: string
    }>(({ id, user, accessKey, lastProofAt, version, doc }) =>
      db
        .insertInto('device')
        .values({ id, user_id: user, access_key: accessKey, last_proof_at: lastProofAt, version, doc }),
    ),
    replaceDevice: compiledWrite<Versioned & { id: string; accessKey: string | null }>(
      ({ id, accessKey, before, version, doc }) =>
        db
          .updateTable('device')
          .set({ access_key: accessKey, version, doc })
          .where('id', '=', id)
          .where('version', '=', before),
      CONFLICT,
    ),
    noteProof: compiledWrite<{ device: string; at: number }>(({ device, at }) =>
      db
        .updateTable('device')
        .set({ last_proof_at: at })
        .where('id', '=', device)
        .where((q) => q.or([q('last_proof_at', 'is', null), q('last_proof_at', '<', at)])),
    ),
    putStatement: compiledWrite<{ ref: string; user: string; typ: string; seq: number; doc: string }>(
      ({ ref, user, typ, seq, doc }) =>
        db
          .insertInto('statement')
          .values({ ref, user_id: user, typ, seq, doc })
          .onConflict((c) => c.column('ref').doNothing()),
    ),
    // Writes nothing, so fails, if the thumbprint is there with another meaning.
    claimKey: compiledWrite<{ thumbprint: string; role: string; holder: string }>(
      ({ thumbprint, role, holder }) =>
        db
          .insertInto('key_role')
          .values({ thumbprint, role, holder })
          .onConflict((c) =>
            c
              .column('thumbprint')
              .doUpdateSet({ role })
              .where('key_role.role', '=', role)
              .where('key_role.holder', '=', holder),
          ),
      { unlessOne: 'key-in-use' },
    ),
    insertEnrolment: compiledWrite<{
      id: string
      codeHash: string | null
      device: string | null
      expiresAt: number
      version: number
      doc: string
    }>(({ id, codeHash, device, expiresAt, version, doc }) =>
      db.insertInto('enrolment').values({ id, code_hash: codeHash, device, expires_at: expiresAt, version, doc }),
    ),
    replaceEnrolment: compiledWrite<
      Versioned & { id: string; codeHash: string | null; device: string | null; expiresAt: number }
    >(
      ({ id, codeHash, device, expiresAt, before, version, doc }) =>
        db
          .updateTable('enrolment')
          .set({ code_hash: codeHash, device, expires_at: expiresAt, version, doc })
          .where('id', '=', id)
          .where('version', '=', before),
      CONFLICT,
    ),
    insertKey: compiledWrite<{ id: string; owner: string; version: number; doc: string }>(
      ({ id, owner, version, doc }) => db.insertInto('catalogue_key').values({ id, owner, version, doc }),
    ),
    replaceKey: compiledWrite<Versioned & { id: string }>(
      ({ id, before, version, doc }) =>
        update('catalogue_key').set({ version, doc }).where('id', '=', id).where('version', '=', before),
      CONFLICT,
    ),
    insertApplication: compiledWrite<{ id: string; version: number; doc: string }>(({ id, version, doc }) =>
      db.insertInto('application').values({ id, version, doc }),
    ),
    replaceApplication: compiledWrite<Versioned & { id: string }>(
      ({ id, before, version, doc }) =>
        update('application').set({ version, doc }).where('id', '=', id).where('version', '=', before),
      CONFLICT,
    ),
    insertTransfer: compiledWrite<{ tr: string; doc: string }>(({ tr, doc }) =>
      db.insertInto('transfer').values({ tr, doc }),
    ),
    addParty: compiledWrite<{ tr: string; party: string }>(({ tr, party }) =>
      db
        .insertInto('transfer_party')
        .columns(['party', 'seq'])
        .expression((q) =>
          q
            .selectFrom('transfer')
            .select([q.val(party).as('party'), 'seq'])
            .where('tr', '=', tr),
        )
        .onConflict((c) => c.columns(['party', 'seq']).doNothing()),
    ),
    insertDelivery: compiledWrite<{
      dl: string
      tr: string
      state: string
      open: number
      keyId: string
      owner: string
      source: string
      target: string
      targetUser: string
      deadline: number
      version: number
      doc: string
    }>(({ dl, tr, state, open, keyId, owner, source, target, targetUser, deadline, version, doc }) =>
      db.insertInto('delivery').values({
        dl,
        tr,
        state,
        open,
        key_id: keyId,
        owner,
        source,
        target,
        target_user: targetUser,
        deadline,
        version,
        doc,
      }),
    ),
    // Beside `replaceDelivery`, so that the steps in between need not touch the indexes over open deliveries.
    moveDelivery: compiledWrite<Versioned & { dl: string; state: string; deadline: number }>(
      ({ dl, state, deadline, before, version, doc }) =>
        db
          .updateTable('delivery')
          .set({ state, version, doc })
          .where('dl', '=', dl)
          .where('version', '=', before)
          .where('open', '=', sql.lit(1))
          .where('deadline', '=', deadline),
      CONFLICT,
    ),
    replaceDelivery: compiledWrite<Versioned & { dl: string; state: string; open: number; deadline: number }>(
      ({ dl, state, open, deadline, before, version, doc }) =>
        db
          .updateTable('delivery')
          .set({ state, open, deadline, version, doc })
          .where('dl', '=', dl)
          .where('version', '=', before),
      CONFLICT,
    ),
    makeFreeSlot: compiledWrite<object>(() =>
      db
        .insertInto('key_slot')
        .columns(['used', 'key'])
        .expression(
          db
            .selectNoFrom([sql.lit(0).as('used'), sql.val(new Uint8Array(32)).as('key')])
            .where(({ not, exists, selectFrom }) =>
              not(exists(selectFrom('key_slot').select('slot').where('used', '=', sql.lit(0)))),
            ),
        ),
    ),
    insertEnvelope: compiledWrite<{ dl: string; attempt: number; sealed: Uint8Array }>(({ dl, attempt, sealed }) =>
      db.insertInto('sealed_envelope').values((q) => ({
        dl,
        attempt,
        sealed,
        slot: q.selectFrom('key_slot').select('slot').where('used', '=', sql.lit(0)).orderBy('slot').limit(sql.lit(1)),
      })),
    ),
    fillSlot: compiledWrite<{ dl: string; attempt: number; key: Uint8Array }>(({ dl, attempt, key }) =>
      db
        .updateTable('key_slot')
        .set({ used: sql.lit(1), key })
        .where('slot', '=', (q) =>
          q.selectFrom('sealed_envelope').select('slot').where('dl', '=', dl).where('attempt', '=', attempt),
        ),
    ),
    emptySlots: compiledWrite<{ dl: string }>(({ dl }) =>
      db
        .updateTable('key_slot')
        .set({ used: sql.lit(0), key: new Uint8Array(32) })
        .where('slot', 'in', (q) => q.selectFrom('sealed_envelope').select('slot').where('dl', '=', dl)),
    ),
    deleteEnvelopes: compiledWrite<{ dl: string }>(({ dl }) => db.deleteFrom('sealed_envelope').where('dl', '=', dl)),
    insertNotice: compiledWrite<{
      id: string
      recipient: string
      delivery: string | null
      type: string
      state: string
      waiting: number
      createdAt: number
      expiresAt: number
      doc: string
    }>(({ id, recipient, delivery, type, state, waiting, createdAt, expiresAt, doc }) =>
      db.insertInto('notice').values({
        id,
        recipient,
        delivery,
        type,
        state,
        waiting,
        created_at: createdAt,
        expires_at: expiresAt,
        doc,
      }),
    ),
    acknowledgeNotice: compiledWrite<{ recipient: string; id: string }>(({ recipient, id }) =>
      db
        .updateTable('notice')
        .set({ state: sql.lit('acknowledged'), waiting: sql.lit(0) })
        .where('id', '=', id)
        .where('recipient', '=', recipient),
    ),
    retireNotices: compiledWrite<{ delivery: string }>(({ delivery }) =>
      db
        .updateTable('notice')
        .set({ state: sql.lit('dead'), waiting: sql.lit(0) })
        .where('delivery', '=', delivery)
        .where('waiting', '=', sql.lit(1)),
    ),
    insertDecision: compiledWrite<{ ref: string; dl: string; attempt: number; octets: Uint8Array; createdAt: number }>(
      ({ ref, dl, attempt, octets, createdAt }) =>
        db
          .insertInto('decision')
          .values({ ref, dl, attempt, octets, created_at: createdAt })
          .onConflict((c) => c.column('ref').doNothing()),
    ),
    insertIdempotency: compiledWrite<{
      scope: string
      key: string
      request: string
      status: number
      body: string
      expiresAt: number
    }>(({ scope, key, request, status, body, expiresAt }) =>
      db.insertInto('idempotency').values({ scope, key, request, status, body, expires_at: expiresAt }),
    ),
    appendLeaf: compiledWrite<{ ref: string; text: string }>(
      ({ ref, text }) =>
        db
          .insertInto('leaf')
          .values({ idx: sql`(select coalesce(max(idx) + 1, 0) from leaf)`, ref, text })
          .returning('idx'),
      { returnsLeafIndex: true },
    ),
    putMeta: compiledWrite<{ name: string; value: string }>(({ name, value }) =>
      db
        .insertInto('meta')
        .values({ name, value })
        .onConflict((c) => c.column('name').doUpdateSet({ value })),
    ),
    putTile: compiledWrite<{ level: number; index: number; hashes: Uint8Array }>(({ level, index, hashes }) =>
      db
        .insertInto('tile')
        .values({ level, idx: index, hashes })
        .onConflict((c) => c.columns(['level', 'idx']).doUpdateSet({ hashes })),
    ),
    sweepIdempotency: compiledWrite<{ before: number }>(({ before }) =>
      db.deleteFrom('idempotency').where('expires_at', '<', before),
    ),
    sweepEnrolments: compiledWrite<{ before: number }>(({ before }) =>
      db.deleteFrom('enrolment').where('expires_at', '<', before),
    ),
    sweepNotices: compiledWrite<{ before: number }>(({ before }) =>
      db.deleteFrom('notice').where('expires_at', '<', before),
    ),
  }
}

interface Versioned {
  readonly before: number
  readonly version: number
  readonly doc: string
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
