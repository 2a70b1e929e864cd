import type { DeliveryId, Ref } from '@keyferry/protocol'
import { DELIVERY_STATES } from '@keyferry/protocol'
import type { DeliveryRow, DeviceRow, KeyRole, LeafRow, StoredNotice } from '../rows.ts'
import type { DeliveryQuery, Reader } from '../store.ts'
import type { Query } from './compiled.ts'
import { type Reads, STATE_SLOTS, type StateSlots } from './reads.ts'

type MaybePromise<T> = T | Promise<T>

/** Runs a compiled query. A row is the tuple of the select list. */
export interface Runner {
  first<V, R>(query: Query<V, R>, values: V): MaybePromise<R | undefined>
  all<V, R>(query: Query<V, R>, values: V): MaybePromise<readonly R[]>
}

const NEWEST = Number.MAX_SAFE_INTEGER

/** `Reader` over any SQL database: from the method to its query, and from its row to ours. */
export function sqlReader(run: Runner, reads: Reads): Reader {
  async function one<V, T>(query: Query<V, readonly [string]>, values: V): Promise<T | null> {
    const row = await run.first(query, values)
    return row === undefined ? null : JSON.parse(row[0])
  }
  async function many<V, T>(query: Query<V, readonly [string, ...unknown[]]>, values: V): Promise<T[]> {
    return (await run.all(query, values)).map(([doc]) => JSON.parse(doc))
  }
  /** Row number before which a list goes on: none if the last one seen is not known. */
  async function before<V>(query: Query<V, readonly [number]>, values: V | undefined): Promise<number> {
    return values === undefined ? NEWEST : ((await run.first(query, values))?.[0] ?? 0)
  }
  return {
    user: (id) => one(reads.account, { id }),
    userByName: (name) => one(reads.accountByName, { name }),
    users: (limit, after = '' as never) => many(reads.accounts, { after, limit }),
    async device(id) {
      const row = await run.first(reads.device, { id })
      return row === undefined ? null : deviceOf(row)
    },
    async deviceByKey(key) {
      const row = (await run.first(reads.device, { id: key })) ?? (await run.first(reads.deviceByAccessKey, { key }))
      return row === undefined ? null : deviceOf(row)
    },
    devicesOf: async (user) => (await run.all(reads.devicesOf, { user })).map(deviceOf),
    application: (id) => one(reads.application, { id }),
    async keyRole(thumbprint) {
      const row = await run.first(reads.keyRole, { thumbprint })
      return row === undefined ? null : { thumbprint, role: row[0] as KeyRole, holder: row[1] }
    },
    statement: (ref) => one(reads.statement, { ref }),
    statementsOf: (user, typ) => many(reads.statementsOf, { user, typ }),
    enrolment: (id) => one(reads.enrolment, { id }),
    enrolmentByCode: (codeHash) => one(reads.enrolmentByCode, { codeHash }),
    enrolmentsOf: (device) => many(reads.enrolmentsOf, { device }),
    key: (id) => one(reads.key, { id }),
    keysOf: (owner, limit, after = '' as never) => many(reads.keysOf, { owner, limit, after }),
    transfer: (tr) => one(reads.transfer, { tr }),
    async transfersOf(party, limit, after) {
      const seq = await before(reads.transferSeq, after && { tr: after })
      return many(reads.transfersOf, { party, limit, before: seq })
    },
    delivery: (dl) => one(reads.delivery, { dl }),
    deliveriesOf: (tr) => many(reads.deliveriesOf, { tr }),
    async deliveries(query) {
      const seq = await before(reads.deliverySeq, query.after && { dl: query.after })
      const asked = query.role === 'source' ? reads.deliveriesAsSource : reads.deliveriesAsTarget
      return many(asked, { party: query.party, before: seq, limit: query.limit, ...stateSlots(query) })
    },
    pendingDecisions: (device, limit) => many(reads.pendingDecisions, { device, limit }),
    overdue: (now, limit) => many(reads.overdue, { now, limit }),
    async openDeliveries({ device, user, key }) {
      const found = await Promise.all([
        device === undefined ? [] : run.all(reads.openOfDevice, { device }),
        user === undefined ? [] : run.all(reads.openOfUser, { user }),
        key === undefined ? [] : run.all(reads.openOfKey, { key }),
      ])
      const bySeq = new Map(found.flat().map(([doc, seq]) => [seq, doc]))
      return [...bySeq].sort(([a], [b]) => a - b).map(([, doc]): DeliveryRow => JSON.parse(doc))
    },
    sameKeySameTarget: (key, target) => many(reads.sameKeySameTarget, { key, target }),
    copiesOf: async (key) => (await run.first(reads.copiesOf, { key }))?.[0] ?? 0,
    async sealedEnvelope(dl, attempt) {
      const row = await run.first(reads.sealedEnvelope, { dl, attempt })
      return row === undefined ? null : { dl, attempt, sealed: row[0], key: row[1] }
    },
    async notice(id) {
      const row = await run.first(reads.notice, { id })
      return row === undefined ? null : noticeOf(row)
    },
    inbox: async (recipient, now, limit, afterCursor = 0) =>
      (await run.all(reads.inbox, { recipient, now, limit, after: afterCursor })).map(noticeOf),
    hasWake: async (recipient, since) => (await run.first(reads.hasWake, { recipient, since })) !== undefined,
    decisions: async (dl: DeliveryId) =>
      (await run.all(reads.decisions, { dl })).map(([ref, attempt, octets, createdAt]) => ({
        ref: ref as Ref,
        dl,
        attempt,
        octets,
        createdAt,
      })),
    async idempotent(scope, key) {
      const row = await run.first(reads.idempotent, { scope, key })
      if (row === undefined) return null
      const [request, status, body, expiresAt] = row
      return { scope, key, request, status, body, expiresAt }
    },
    leafIndex: async (ref) => (await run.first(reads.leafIndex, { ref }))?.[0] ?? null,
    leafCount: async () => (await run.first(reads.leafCount, {}))?.[0] ?? 0,
    leaves: async (from, to) =>
      (await run.all(reads.leaves, { from, to })).map(
        ([index, text, ref]): LeafRow => ({ index, text, ref: ref as Ref }),
      ),
    tile: async (level, index) => (await run.first(reads.tile, { level, index }))?.[0] ?? null,
    meta: async (name) => (await run.first(reads.meta, { name }))?.[0] ?? null,
    hasExpired: async (before) => Boolean((await run.first(reads.hasExpired, { before }))?.[0]),
    async counts() {
      const [users, devices] = (await run.first(reads.counts, {})) ?? [0, 0]
      return { users, devices }
    },
  }
}

/** The column counts, not its copy in the document. */
function deviceOf([doc, lastProofAt]: readonly [string, number | null]): DeviceRow {
  return Object.assign(JSON.parse(doc), { lastProofAt })
}

function noticeOf([doc, state, cursor]: readonly [string, string, number]): StoredNotice {
  return Object.assign(JSON.parse(doc), { state, cursor })
}

function stateSlots({ states = DELIVERY_STATES }: DeliveryQuery): StateSlots {
  return Object.fromEntries(STATE_SLOTS.map((slot, i) => [slot, states[i] ?? states[0] ?? '']))
}
