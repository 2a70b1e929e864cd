import { DELIVERY_STATES } from '@keyferry/protocol'
import { type Kysely, sql } from 'kysely'
import { atMost, compiled, type Query } from './compiled.ts'
import type { Tables } from './tables.ts'

type Doc = readonly [doc: string]
type DeviceColumns = readonly [doc: string, lastProofAt: number | null]
type NoticeColumns = readonly [doc: string, state: string, cursor: number]
type LeafColumns = readonly [index: number, text: string, ref: string]
type Page = { limit: number; after: string }
type Before = { party: string; before: number; limit: number }

/** As many as there are states; who wants fewer repeats one. So one query serves every choice. */
export const STATE_SLOTS: readonly `state${number}`[] = DELIVERY_STATES.map((_, i) => `state${i}` as const)
export type StateSlots = Record<`state${number}`, string>

/** What the server asks of its database, one line per question, compiled for the dialect of `db`. */
export interface Reads {
  readonly account: Query<{ id: string }, Doc>
  readonly accountByName: Query<{ name: string }, Doc>
  readonly accounts: Query<Page, Doc>
  readonly device: Query<{ id: string }, DeviceColumns>
  readonly deviceByAccessKey: Query<{ key: string }, DeviceColumns>
  readonly devicesOf: Query<{ user: string }, DeviceColumns>
  readonly application: Query<{ id: string }, Doc>
  readonly keyRole: Query<{ thumbprint: string }, readonly [role: string, holder: string]>
  readonly statement: Query<{ ref: string }, Doc>
  readonly statementsOf: Query<{ user: string; typ: string }, Doc>
  readonly enrolment: Query<{ id: string }, Doc>
  readonly enrolmentByCode: Query<{ codeHash: string }, Doc>
  readonly enrolmentsOf: Query<{ device: string }, Doc>
  readonly key: Query<{ id: string }, Doc>
  readonly keysOf: Query<Page & { owner: string }, Doc>
  readonly transfer: Query<{ tr: string }, Doc>
  readonly transferSeq: Query<{ tr: string }, readonly [seq: number]>
  readonly transfersOf: Query<Before, Doc>
  readonly delivery: Query<{ dl: string }, Doc>
  readonly deliverySeq: Query<{ dl: string }, readonly [seq: number]>
  readonly deliveriesOf: Query<{ tr: string }, Doc>
  readonly deliveriesAsSource: Query<Before & StateSlots, Doc>
  readonly deliveriesAsTarget: Query<Before & StateSlots, Doc>
  readonly pendingDecisions: Query<{ device: string; limit: number }, Doc>
  readonly overdue: Query<{ now: number; limit: number }, Doc>
  readonly openOfDevice: Query<{ device: string }, readonly [doc: string, seq: number]>
  readonly openOfUser: Query<{ user: string }, readonly [doc: string, seq: number]>
  readonly openOfKey: Query<{ key: string }, readonly [doc: string, seq: number]>
  readonly sameKeySameTarget: Query<{ key: string; target: string }, Doc>
  readonly copiesOf: Query<{ key: string }, readonly [copies: number]>
  readonly sealedEnvelope: Query<{ dl: string; attempt: number }, readonly [sealed: Uint8Array, key: Uint8Array]>
  readonly notice: Query<{ id: string }, NoticeColumns>
  readonly inbox: Query<{ recipient: string; now: number; after: number; limit: number }, NoticeColumns>
  readonly hasWake: Query<{ recipient: string; since: number }, readonly [number]>
  readonly decisions: Query<
    { dl: string },
    readonly [ref: string, attempt: number, octets: Uint8Array, createdAt: number]
  >
  readonly idempotent: Query<
    { scope: string; key: string },
    readonly [request: string, status: number, body: string, expiresAt: number]
  >
  readonly leafIndex: Query<{ ref: string }, readonly [index: number]>
  readonly leafCount: Query<object, readonly [count: number]>
  readonly leaves: Query<{ from: number; to: number }, LeafColumns>
  readonly tile: Query<{ level: number; index: number }, readonly [hashes: Uint8Array]>
  readonly meta: Query<{ name: string }, readonly [value: string]>
  readonly hasExpired: Query<{ before: number }, readonly [0 | 1]>
  readonly counts: Query<object, readonly [users: number, devices: number]>
}

export function sqlReads(db: Kysely<Tables>): Reads {
  const accounts = db.selectFrom('account').select('doc')
  const devices = db.selectFrom('device').select(['doc', 'last_proof_at'])
  const enrolments = db.selectFrom('enrolment').select('doc')
  const keys = db.selectFrom('catalogue_key').select('doc')
  const deliveries = db.selectFrom('delivery').select('doc')
  // Written as constants, so that the database sees that a partial index fits.
  const open = db.selectFrom('delivery').where('open', '=', sql.lit(1))
  const notices = db.selectFrom('notice').select(['doc', 'state', 'cursor'])
  const newestOf = (party: 'source' | 'target') =>
    compiled<Before & StateSlots, Doc>((q) =>
      deliveries
        .where(party, '=', q.party)
        .where('seq', '<', q.before)
        .where(
          'state',
          'in',
          STATE_SLOTS.map((slot) => q[slot] as string),
        )
        .orderBy('seq', 'desc')
        .limit(atMost(q.limit)),
    )
  return {
    account: compiled(({ id }) => accounts.where('id', '=', id)),
    accountByName: compiled(({ name }) => accounts.where('username', '=', name)),
    accounts: compiled(({ after, limit }) => accounts.where('id', '>', after).orderBy('id').limit(atMost(limit))),
    device: compiled(({ id }) => devices.where('id', '=', id)),
    deviceByAccessKey: compiled(({ key }) => devices.where('access_key', '=', key)),
    devicesOf: compiled(({ user }) => devices.where('user_id', '=', user).orderBy('id')),
    application: compiled(({ id }) => db.selectFrom('application').select('doc').where('id', '=', id)),
    keyRole: compiled(({ thumbprint }) =>
      db.selectFrom('key_role').select(['role', 'holder']).where('thumbprint', '=', thumbprint),
    ),
    statement: compiled(({ ref }) => db.selectFrom('statement').select('doc').where('ref', '=', ref)),
    statementsOf: compiled(({ user, typ }) =>
      db.selectFrom('statement').select('doc').where('user_id', '=', user).where('typ', '=', typ).orderBy('seq'),
    ),
    enrolment: compiled(({ id }) => enrolments.where('id', '=', id)),
    enrolmentByCode: compiled(({ codeHash }) => enrolments.where('code_hash', '=', codeHash)),
    enrolmentsOf: compiled(({ device }) => enrolments.where('device', '=', device).orderBy('seq', 'desc')),
    key: compiled(({ id }) => keys.where('id', '=', id)),
    keysOf: compiled(({ owner, after, limit }) =>
      keys.where('owner', '=', owner).where('id', '>', after).orderBy('id').limit(atMost(limit)),
    ),
    transfer: compiled(({ tr }) => db.selectFrom('transfer').select('doc').where('tr', '=', tr)),
    transferSeq: compiled(({ tr }) => db.selectFrom('transfer').select('seq').where('tr', '=', tr)),
    transfersOf: compiled(({ party, before, limit }) =>
      db
        .selectFrom('transfer_party as p')
        .innerJoin('transfer', 'transfer.seq', 'p.seq')
        .select('doc')
        .where('p.party', '=', party)
        .where('p.seq', '<', before)
        .orderBy('p.seq', 'desc')
        .limit(atMost(limit)),
    ),
    delivery: compiled(({ dl }) => deliveries.where('dl', '=', dl)),
    deliverySeq: compiled(({ dl }) => db.selectFrom('delivery').select('seq').where('dl', '=', dl)),
    deliveriesOf: compiled(({ tr }) => deliveries.where('tr', '=', tr).orderBy('seq')),
    deliveriesAsSource: newestOf('source'),
    deliveriesAsTarget: newestOf('target'),
    pendingDecisions: compiled(({ device, limit }) =>
      db
        .selectFrom('delivery')
        .select('doc')
        .where('seq', 'in', (q) =>
          q
            .selectFrom('delivery')
            .select('seq')
            .where('state', '=', sql.lit('requested'))
            .where('source', '=', device)
            .unionAll(
              q
                .selectFrom('delivery')
                .select('seq')
                .where('state', '=', sql.lit('deposited'))
                .where('target', '=', device),
            ),
        )
        .orderBy('seq')
        .limit(atMost(limit)),
    ),
    overdue: compiled(({ now, limit }) =>
      open.select('doc').where('deadline', '<=', now).orderBy('deadline').orderBy('seq').limit(atMost(limit)),
    ),
    openOfDevice: compiled(({ device }) =>
      open.select(['doc', 'seq']).where((q) => q.or([q('source', '=', device), q('target', '=', device)])),
    ),
    openOfUser: compiled(({ user }) =>
      open.select(['doc', 'seq']).where((q) => q.or([q('owner', '=', user), q('target_user', '=', user)])),
    ),
    openOfKey: compiled(({ key }) => open.select(['doc', 'seq']).where('key_id', '=', key)),
    sameKeySameTarget: compiled(({ key, target }) =>
      open.select('doc').where('key_id', '=', key).where('target', '=', target).orderBy('seq'),
    ),
    copiesOf: compiled(({ key }) =>
      db
        .selectFrom('delivery')
        .select((q) => q.fn.count<number>('target').distinct().as('copies'))
        .where('state', '=', sql.lit('completed'))
        .where('key_id', '=', key),
    ),
    sealedEnvelope: compiled(({ dl, attempt }) =>
      db
        .selectFrom('sealed_envelope as e')
        .innerJoin('key_slot as k', 'k.slot', 'e.slot')
        .select(['e.sealed', 'k.key'])
        .where('e.dl', '=', dl)
        .where('e.attempt', '=', attempt),
    ),
    notice: compiled(({ id }) => notices.where('id', '=', id)),
    inbox: compiled(({ recipient, now, after, limit }) =>
      notices
        .where('recipient', '=', recipient)
        .where('waiting', '=', sql.lit(1))
        .where('cursor', '>', after)
        .where('expires_at', '>', now)
        .orderBy('cursor')
        .limit(atMost(limit)),
    ),
    hasWake: compiled(({ recipient, since }) =>
      db
        .selectFrom('notice')
        .select(sql.lit(1).as('one'))
        .where('recipient', '=', recipient)
        .where('waiting', '=', sql.lit(1))
        .where('type', '=', sql.lit('wake'))
        .where('created_at', '>=', since)
        .limit(sql.lit(1)),
    ),
    decisions: compiled(({ dl }) =>
      db.selectFrom('decision').select(['ref', 'attempt', 'octets', 'created_at']).where('dl', '=', dl).orderBy('n'),
    ),
    idempotent: compiled(({ scope, key }) =>
      db
        .selectFrom('idempotency')
        .select(['request', 'status', 'body', 'expires_at'])
        .where('scope', '=', scope)
        .where('key', '=', key),
    ),
    leafIndex: compiled(({ ref }) =>
      db.selectFrom('leaf').select('idx').where('ref', '=', ref).orderBy('idx').limit(sql.lit(1)),
    ),
    leafCount: compiled(() =>
      db.selectFrom('leaf').select((q) => q.fn.coalesce(sql<number>`max(idx) + 1`, sql.lit(0)).as('count')),
    ),
    leaves: compiled(({ from, to }) =>
      db
        .selectFrom('leaf')
        .select(['idx', 'text', 'ref'])
        .where('idx', '>=', from)
        .where('idx', '<', to)
        .orderBy('idx'),
    ),
    tile: compiled(({ level, index }) =>
      db.selectFrom('tile').select('hashes').where('level', '=', level).where('idx', '=', index),
    ),
    meta: compiled(({ name }) => db.selectFrom('meta').select('value').where('name', '=', name)),
    hasExpired: compiled(({ before }) =>
      db.selectNoFrom(({ exists, or, selectFrom }) => [
        or([
          exists(selectFrom('notice').select('cursor').where('expires_at', '<', before)),
          exists(selectFrom('idempotency').select('key').where('expires_at', '<', before)),
          exists(selectFrom('enrolment').select('seq').where('expires_at', '<', before)),
        ]).as('expired'),
      ]),
    ),
    counts: compiled(() =>
      db.selectNoFrom((q) => [
        q
          .selectFrom('account')
          .select((a) => a.fn.countAll<number>().as('n'))
          .as('users'),
        q
          .selectFrom('device')
          .select((d) => d.fn.countAll<number>().as('n'))
          .as('devices'),
      ]),
    ),
  }
}
