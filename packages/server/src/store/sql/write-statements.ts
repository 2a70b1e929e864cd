import { type Kysely, sql } from 'kysely'
import { atMost, compiledWrite, type Write } from './compiled.ts'
import type { Tables } from './tables.ts'

/** A row that is replaced by compare and swap: the version it must have, the one it gets, and the whole row. */
export interface Versioned {
  readonly before: number
  readonly version: number
  readonly doc: string
}

interface Sweeping {
  readonly before: number
  readonly limit: number
}

const CONFLICT = { unlessOne: 'state-conflict' } as const

/** How the server writes, one line per statement, compiled for the dialect of `db`. */
export interface WriteStatements {
  readonly insertAccount: Write<{ id: string; username: string; version: number; doc: string }>
  readonly replaceAccount: Write<Versioned & { id: string; username: string }>
  readonly insertDevice: Write<{
    id: string
    user: string
    accessKey: string | null
    lastProofAt: number | null
    version: number
    doc: string
  }>
  readonly replaceDevice: Write<Versioned & { id: string; accessKey: string | null }>
  readonly noteProof: Write<{ device: string; at: number }>
  readonly putStatement: Write<{ ref: string; user: string; typ: string; seq: number; doc: string }>
  readonly claimKey: Write<{ thumbprint: string; role: string; holder: string }>
  readonly insertEnrolment: Write<{
    id: string
    codeHash: string | null
    device: string | null
    expiresAt: number
    version: number
    doc: string
  }>
  readonly replaceEnrolment: Write<
    Versioned & { id: string; codeHash: string | null; device: string | null; expiresAt: number }
  >
  readonly insertKey: Write<{ id: string; owner: string; version: number; doc: string }>
  readonly replaceKey: Write<Versioned & { id: string }>
  readonly insertApplication: Write<{ id: string; version: number; doc: string }>
  readonly replaceApplication: Write<Versioned & { id: string }>
  readonly insertTransfer: Write<{ tr: string; doc: string }>
  readonly addParty: Write<{ tr: string; party: string }>
  readonly insertDelivery: Write<{
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
  }>
  readonly moveDelivery: Write<Versioned & { dl: string; state: string; deadline: number }>
  readonly replaceDelivery: Write<Versioned & { dl: string; state: string; open: number; deadline: number }>
  readonly makeFreeSlot: Write<object>
  readonly insertEnvelope: Write<{ dl: string; attempt: number; sealed: Uint8Array }>
  readonly fillSlot: Write<{ dl: string; attempt: number; key: Uint8Array }>
  readonly emptySlots: Write<{ dl: string }>
  readonly deleteEnvelopes: Write<{ dl: string }>
  readonly insertNotice: Write<{
    id: string
    recipient: string
    delivery: string | null
    type: string
    state: string
    waiting: number
    createdAt: number
    expiresAt: number
    doc: string
  }>
  readonly acknowledgeNotice: Write<{ recipient: string; id: string }>
  readonly retireNotices: Write<{ delivery: string }>
  readonly insertDecision: Write<{ ref: string; dl: string; attempt: number; octets: Uint8Array; createdAt: number }>
  readonly insertIdempotency: Write<{
    scope: string
    key: string
    request: string
    status: number
    body: string
    expiresAt: number
  }>
  readonly appendLeaf: Write<{ ref: string; text: string }>
  readonly putMeta: Write<{ name: string; value: string }>
  readonly deleteMeta: Write<{ name: string }>
  readonly putTile: Write<{ level: number; index: number; hashes: Uint8Array }>
  readonly sweepIdempotency: Write<Sweeping>
  readonly sweepEnrolments: Write<Sweeping>
  readonly sweepNotices: Write<Sweeping>
}

export function writeStatements(db: Kysely<Tables>): WriteStatements {
  return {
    insertAccount: compiledWrite(({ id, username, version, doc }) =>
      db.insertInto('account').values({ id, username, version, doc }),
    ),
    replaceAccount: compiledWrite(
      ({ id, username, before, version, doc }) =>
        db.updateTable('account').set({ username, version, doc }).where('id', '=', id).where('version', '=', before),
      CONFLICT,
    ),
    insertDevice: compiledWrite(({ id, user, accessKey, lastProofAt, version, doc }) =>
      db
        .insertInto('device')
        .values({ id, user_id: user, access_key: accessKey, last_proof_at: lastProofAt, version, doc }),
    ),
    replaceDevice: compiledWrite(
      ({ id, accessKey, before, version, doc }) =>
        db
          .updateTable('device')
          .set({ access_key: accessKey, version, doc })
          .where('id', '=', id)
          .where('version', '=', before),
      CONFLICT,
    ),
    noteProof: compiledWrite(({ device, at }) =>
      db
        .updateTable('device')
        .set({ last_proof_at: at })
        .where('id', '=', device)
        .where((q) => q.or([q('last_proof_at', 'is', null), q('last_proof_at', '<', at)])),
    ),
    putStatement: compiledWrite(({ ref, user, typ, seq, doc }) =>
      db
        .insertInto('statement')
        .values({ ref, user_id: user, typ, seq, doc })
        .onConflict((c) => c.column('ref').doNothing()),
    ),
    // Writes nothing, so fails, if the thumbprint is there with another meaning.
    claimKey: compiledWrite(
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
    insertEnrolment: compiledWrite(({ id, codeHash, device, expiresAt, version, doc }) =>
      db.insertInto('enrolment').values({ id, code_hash: codeHash, device, expires_at: expiresAt, version, doc }),
    ),
    replaceEnrolment: compiledWrite(
      ({ id, codeHash, device, expiresAt, before, version, doc }) =>
        db
          .updateTable('enrolment')
          .set({ code_hash: codeHash, device, expires_at: expiresAt, version, doc })
          .where('id', '=', id)
          .where('version', '=', before),
      CONFLICT,
    ),
    insertKey: compiledWrite(({ id, owner, version, doc }) =>
      db.insertInto('catalogue_key').values({ id, owner, version, doc }),
    ),
    replaceKey: compiledWrite(
      ({ id, before, version, doc }) =>
        db.updateTable('catalogue_key').set({ version, doc }).where('id', '=', id).where('version', '=', before),
      CONFLICT,
    ),
    insertApplication: compiledWrite(({ id, version, doc }) =>
      db.insertInto('application').values({ id, version, doc }),
    ),
    replaceApplication: compiledWrite(
      ({ id, before, version, doc }) =>
        db.updateTable('application').set({ version, doc }).where('id', '=', id).where('version', '=', before),
      CONFLICT,
    ),
    insertTransfer: compiledWrite(({ tr, doc }) => db.insertInto('transfer').values({ tr, doc })),
    addParty: compiledWrite(({ tr, party }) =>
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
    insertDelivery: compiledWrite(
      ({ dl, tr, state, open, keyId, owner, source, target, targetUser, deadline, version, doc }) =>
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
    moveDelivery: compiledWrite(
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
    replaceDelivery: compiledWrite(
      ({ dl, state, open, deadline, before, version, doc }) =>
        db
          .updateTable('delivery')
          .set({ state, open, deadline, version, doc })
          .where('dl', '=', dl)
          .where('version', '=', before),
      CONFLICT,
    ),
    // SQLite moves rows when it balances its tree and may leave a copy in the slack of a page, where `secure_delete` does not
    // look. A slot of fixed length is overwritten where it is and used again, so nothing ever moves it.
    makeFreeSlot: compiledWrite(() =>
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
    insertEnvelope: compiledWrite(({ dl, attempt, sealed }) =>
      db.insertInto('sealed_envelope').values((q) => ({
        dl,
        attempt,
        sealed,
        slot: q.selectFrom('key_slot').select('slot').where('used', '=', sql.lit(0)).orderBy('slot').limit(sql.lit(1)),
      })),
    ),
    fillSlot: compiledWrite(({ dl, attempt, key }) =>
      db
        .updateTable('key_slot')
        .set({ used: sql.lit(1), key })
        .where('slot', '=', (q) =>
          q.selectFrom('sealed_envelope').select('slot').where('dl', '=', dl).where('attempt', '=', attempt),
        ),
    ),
    emptySlots: compiledWrite(
      ({ dl }) =>
        db
          .updateTable('key_slot')
          .set({ used: sql.lit(0), key: new Uint8Array(32) })
          .where('slot', 'in', (q) => q.selectFrom('sealed_envelope').select('slot').where('dl', '=', dl)),
      { erases: true },
    ),
    deleteEnvelopes: compiledWrite(({ dl }) => db.deleteFrom('sealed_envelope').where('dl', '=', dl)),
    insertNotice: compiledWrite(({ id, recipient, delivery, type, state, waiting, createdAt, expiresAt, doc }) =>
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
    acknowledgeNotice: compiledWrite(({ recipient, id }) =>
      db
        .updateTable('notice')
        .set({ state: sql.lit('acknowledged'), waiting: sql.lit(0) })
        .where('id', '=', id)
        .where('recipient', '=', recipient),
    ),
    retireNotices: compiledWrite(({ delivery }) =>
      db
        .updateTable('notice')
        .set({ state: sql.lit('dead'), waiting: sql.lit(0) })
        .where('delivery', '=', delivery)
        .where('waiting', '=', sql.lit(1)),
    ),
    insertDecision: compiledWrite(({ ref, dl, attempt, octets, createdAt }) =>
      db
        .insertInto('decision')
        .columns(['dl', 'n', 'ref', 'attempt', 'octets', 'created_at'])
        .expression((q) => {
          const made = q.selectFrom('decision').where('dl', '=', dl)
          return db
            .selectNoFrom([
              sql.val(dl).as('dl'),
              made.select((d) => d.fn.countAll<number>().as('n')).as('n'),
              sql.val(ref).as('ref'),
              sql.val(attempt).as('attempt'),
              sql.val(octets).as('octets'),
              sql.val(createdAt).as('created_at'),
            ])
            .where(q.not(q.exists(made.select('ref').where('ref', '=', ref))))
        }),
    ),
    insertIdempotency: compiledWrite(({ scope, key, request, status, body, expiresAt }) =>
      db.insertInto('idempotency').values({ scope, key, request, status, body, expires_at: expiresAt }),
    ),
    appendLeaf: compiledWrite(
      ({ ref, text }) =>
        db
          .insertInto('leaf')
          .values({ idx: sql`(select coalesce(max(idx) + 1, 0) from leaf)`, ref, text })
          .returning('idx'),
      { returnsLeafIndex: true },
    ),
    putMeta: compiledWrite(({ name, value }) =>
      db
        .insertInto('meta')
        .values({ name, value })
        .onConflict((c) => c.column('name').doUpdateSet({ value })),
    ),
    deleteMeta: compiledWrite(({ name }) => db.deleteFrom('meta').where('name', '=', name)),
    putTile: compiledWrite(({ level, index, hashes }) =>
      db
        .insertInto('tile')
        .values({ level, idx: index, hashes })
        .onConflict((c) => c.columns(['level', 'idx']).doUpdateSet({ hashes })),
    ),
    sweepIdempotency: compiledWrite(({ before, limit }) => {
      const expired = db.selectFrom('idempotency').select(['scope', 'key']).where('expires_at', '<', before)
      return db
        .deleteFrom('idempotency')
        .where(({ eb, refTuple }) =>
          eb(refTuple('scope', 'key'), 'in', expired.limit(atMost(limit)).$asTuple('scope', 'key')),
        )
    }),
    sweepEnrolments: compiledWrite(({ before, limit }) => {
      const expired = db.selectFrom('enrolment').select('seq').where('expires_at', '<', before)
      return db.deleteFrom('enrolment').where('seq', 'in', expired.limit(atMost(limit)))
    }),
    sweepNotices: compiledWrite(({ before, limit }) => {
      const expired = db.selectFrom('notice').select('cursor').where('expires_at', '<', before)
      return db.deleteFrom('notice').where('cursor', 'in', expired.limit(atMost(limit)))
    }),
  }
}
