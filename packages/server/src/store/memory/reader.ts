import { type DeliveryState, isTerminal } from '@keyferry/protocol'
import type { DeliveryRow, TransferRow } from '../rows.ts'
import type { Reader } from '../store.ts'
import { waits } from './apply.ts'
import type { Tables } from './tables.ts'

/** `Reader` over maps. Plain scans: for tests, not for speed. */
export function memoryReader(tables: Tables): Reader {
  const deliveries = (): DeliveryRow[] => [...tables.deliveries.values()]
  const open = (): DeliveryRow[] => deliveries().filter((row) => !isTerminal(row.state))
  return {
    user: async (id) => tables.users.get(id) ?? null,
    userByName: async (name) => [...tables.users.values()].find((row) => row.username === name) ?? null,
    users: async (limit, after) => inOrder(tables.users.values(), (row) => row.id, limit, after),
    device: async (id) => tables.devices.get(id) ?? null,
    deviceByKey: async (key) =>
      tables.devices.get(key) ?? [...tables.devices.values()].find((row) => row.accessKey === key) ?? null,
    devicesOf: async (user) => [...tables.devices.values()].filter((row) => row.user === user),
    application: async (id) => tables.applications.get(id) ?? null,
    keyRole: async (thumbprint) => tables.keyRoles.get(thumbprint) ?? null,
    statement: async (ref) => tables.statements.get(ref) ?? null,
    statementsOf: async (user, typ) =>
      [...tables.statements.values()]
        .filter((row) => row.user === user && row.typ === typ)
        .sort((a, b) => a.seq - b.seq),
    enrolment: async (id) => tables.enrolments.get(id) ?? null,
    enrolmentByCode: async (codeHash) =>
      [...tables.enrolments.values()].find((row) => row.codeHash === codeHash) ?? null,
    enrolmentsOf: async (device) => [...tables.enrolments.values()].filter((row) => row.device === device).reverse(),
    key: async (id) => tables.keys.get(id) ?? null,
    keysOf: async (owner, limit, after) =>
      inOrder(
        [...tables.keys.values()].filter((row) => row.owner === owner),
        (row) => row.id,
        limit,
        after,
      ),
    transfer: async (tr) => tables.transfers.get(tr) ?? null,
    transfersOf: async (party, limit, after) => {
      const rows = [...tables.transfers.values()].filter((row) => takesPart(row, party, deliveries()))
      return newestFirst(rows, (row) => row.tr, limit, after, [...tables.transfers.keys()])
    },
    delivery: async (dl) => tables.deliveries.get(dl) ?? null,
    deliveriesOf: async (tr) => deliveries().filter((row) => row.tr === tr),
    deliveries: async (query) => {
      const rows = deliveries().filter(
        (row) => row[query.role] === query.party && (query.states?.includes(row.state) ?? true),
      )
      return newestFirst(rows, (row) => row.dl, query.limit, query.after, [...tables.deliveries.keys()])
    },
    pendingDecisions: async (device, limit) =>
      deliveries()
        .filter((row) => is(row, 'requested', row.source, device) || is(row, 'deposited', row.target, device))
        .slice(0, limit),
    overdue: async (now, limit) =>
      open()
        .filter((row) => row.deadline <= now)
        .sort((a, b) => a.deadline - b.deadline)
        .slice(0, limit),
    openDeliveries: async ({ device, user, key }) =>
      open().filter(
        (row) =>
          (device !== undefined && (row.source === device || row.target === device)) ||
          (user !== undefined && (row.owner === user || row.targetUser === user)) ||
          (key !== undefined && row.keyId === key),
      ),
    sameKeySameTarget: async (key, target) => open().filter((row) => row.keyId === key && row.target === target),
    copiesOf: async (key) =>
      new Set(
        deliveries()
          .filter((row) => row.keyId === key && row.state === 'completed')
          .map((row) => row.target),
      ).size,
    sealedEnvelope: async (dl, attempt) => tables.envelopes.get(`${dl} ${attempt}`) ?? null,
    notice: async (id) => tables.notices.get(id) ?? null,
    inbox: async (recipient, now, limit, afterCursor = 0) =>
      [...tables.notices.values()]
        .filter((row) => row.recipient === recipient && waits(row) && row.expiresAt > now && row.cursor > afterCursor)
        .slice(0, limit),
    hasWake: async (recipient, since) =>
      [...tables.notices.values()].some(
        (row) => row.recipient === recipient && row.type === 'wake' && waits(row) && row.createdAt >= since,
      ),
    decisions: async (dl) => [...tables.decisions.values()].filter((row) => row.dl === dl),
    idempotent: async (scope, key) => tables.idempotency.get(`${scope} ${key}`) ?? null,
    leafIndex: async (ref) => [...tables.leaves.values()].find((row) => row.ref === ref)?.index ?? null,
    leafCount: async () => tables.leaves.size,
    leaves: async (from, to) => [...tables.leaves.values()].slice(from, to),
    tile: async (level, index) => tables.tiles.get(`${level} ${index}`) ?? null,
    meta: async (name) => tables.meta.get(name) ?? null,
    hasExpired: async (before) =>
      [tables.idempotency, tables.enrolments, tables.notices].some((map) =>
        [...map.values()].some((row) => row.expiresAt < before),
      ),
    counts: async () => ({ users: tables.users.size, devices: tables.devices.size }),
  }
}

function is(row: DeliveryRow, state: DeliveryState, party: string, device: string): boolean {
  return row.state === state && party === device
}

function takesPart(row: TransferRow, party: string, deliveries: readonly DeliveryRow[]): boolean {
  if ((row.requester.user ?? row.requester.id) === party) return true
  return deliveries.some(({ tr, owner, targetUser }) => tr === row.tr && (owner === party || targetUser === party))
}

function inOrder<T>(rows: Iterable<T>, idOf: (row: T) => string, limit: number, after = ''): T[] {
  return [...rows]
    .filter((row) => idOf(row) > after)
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
    .slice(0, limit)
}

/** `order`: all ids, oldest first. An unknown `after` gives nothing. */
function newestFirst<T>(
  rows: readonly T[],
  idOf: (row: T) => string,
  limit: number,
  after: string | undefined,
  order: readonly string[],
): T[] {
  const before = after === undefined ? order.length : order.indexOf(after)
  return [...rows]
    .filter((row) => order.indexOf(idOf(row)) < before)
    .reverse()
    .slice(0, limit)
}
