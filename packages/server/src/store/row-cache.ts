import {
  type DeliveryId,
  type DeviceId,
  isTerminal,
  type KeyId,
  type Ref,
  type Thumbprint,
  type UserId,
} from '@keyferry/protocol'
import { type BoundedCache, boundedCache } from '../bounded-cache.ts'
import type { Change, Committed } from './changes.ts'
import type { DeliveryRow, DeviceRow, KeyRow, StatementRow, UserRow } from './rows.ts'
import type { Reader } from './store.ts'

/** What was read, for a store that nobody else writes to: rows by their id, and the few questions that every step asks. */
export interface RowCache {
  /** Reads as the reader it was made of, which is asked once per row. */
  readonly read: Reader
  /** A unit of work is durable: call it before anybody is told. */
  committed(changes: readonly Change[], result: Committed): void
  /** Nobody knows what was written. */
  forget(): void
}

const ROWS_OF_A_KIND = 8192

/**
 * A transfer asks some seventy times who its devices, users and key are. What is found nowhere is asked again; what can be erased (wrapped
 * keys) is never kept.
 * @param reader - Answers without waiting for anything: between its look at a row and its answer no unit of work is told of.
 */
export function rowCache(reader: Reader): RowCache {
  const users = boundedCache<UserId, UserRow>(ROWS_OF_A_KIND)
  const devices = boundedCache<DeviceId, DeviceRow>(ROWS_OF_A_KIND)
  /** Of signing and access keys. A device may have got another one since: its row says. */
  const deviceOfKey = boundedCache<Thumbprint, DeviceId>(ROWS_OF_A_KIND)
  const keys = boundedCache<KeyId, KeyRow>(ROWS_OF_A_KIND)
  const deliveries = boundedCache<DeliveryId, DeliveryRow>(ROWS_OF_A_KIND)
  // These never change once they are there.
  const statements = boundedCache<Ref, StatementRow>(ROWS_OF_A_KIND)
  const leaves = boundedCache<Ref, number>(ROWS_OF_A_KIND)
  /** Each request asks whether something waits for its device. */
  const nothingPending = boundedCache<DeviceId, true>(ROWS_OF_A_KIND)
  /** By key and target: open deliveries. */
  const siblings = boundedCache<string, readonly DeliveryRow[]>(ROWS_OF_A_KIND)
  const copies = boundedCache<KeyId, number>(ROWS_OF_A_KIND)
  /** By key and target: it was counted, and a copy more of the same changes nothing. */
  const counted = boundedCache<string, true>(ROWS_OF_A_KIND)
  /** By user and typ. */
  const certificates = boundedCache<string, readonly StatementRow[]>(ROWS_OF_A_KIND)
  const rows = [users, devices, deviceOfKey, keys, deliveries, statements]
  const answers = [leaves, nothingPending, siblings, copies, counted, certificates]

  function take(change: Change): void {
    switch (change.kind) {
      case 'insert-user':
      case 'replace-user':
        users.delete(change.row.id)
        break
      case 'insert-device':
      case 'replace-device':
        devices.delete(change.row.id)
        break
      case 'note-proof':
        devices.delete(change.device as DeviceId)
        break
      case 'insert-key':
      case 'replace-key':
        keys.delete(change.row.id)
        break
      case 'put-statement':
        certificates.delete(`${change.row.user} ${change.row.typ}`)
    }
  }

  /** A unit may take a delivery through several states: only the last one is ever seen. */
  function takeDeliveries(changes: readonly Change[]): void {
    const last = new Map<DeliveryId, { readonly row: DeliveryRow; readonly isNew: boolean }>()
    for (const change of changes) {
      if (change.kind === 'insert-delivery') last.set(change.row.dl, { row: change.row, isNew: true })
      if (change.kind !== 'replace-delivery') continue
      last.set(change.row.dl, { row: change.row, isNew: last.get(change.row.dl)?.isNew ?? false })
    }
    for (const { row, isNew } of last.values()) takeDelivery(row, isNew)
  }

  function takeDelivery(row: DeliveryRow, isNew: boolean): void {
    // It is asked for at once, by the next step.
    deliveries.set(row.dl, row)
    if (row.state === 'requested') nothingPending.delete(row.source)
    if (row.state === 'deposited') nothingPending.delete(row.target)
    const name = `${row.keyId} ${row.target}`
    if (row.state === 'completed' && counted.get(name) === undefined) {
      copies.delete(row.keyId)
      counted.set(name, true)
    }
    const others = siblings.get(name)
    if (others === undefined) return
    const after = siblingsAfter(others, row, isNew)
    if (after === null) siblings.delete(name)
    else siblings.set(name, after)
  }

  function takeLeaves(changes: readonly Change[], { leafIndexes }: Committed): void {
    let next = 0
    for (const change of changes) {
      if (change.kind !== 'append-leaf') continue
      const index = leafIndexes[next++]
      if (index !== undefined && leaves.get(change.ref) === undefined) leaves.set(change.ref, index)
    }
  }

  const device = (id: DeviceId): Promise<DeviceRow | null> => through(devices, id, reader.device)

  async function deviceByKey(key: Thumbprint): Promise<DeviceRow | null> {
    const id = deviceOfKey.get(key)
    const known = id === undefined ? null : await device(id)
    if (known !== null && (known.id === key || known.accessKey === key)) return known
    const row = await reader.deviceByKey(key)
    if (row !== null) deviceOfKey.set(key, row.id)
    return row
  }

  return {
    read: {
      ...reader,
      user: (id) => through(users, id, reader.user),
      device,
      deviceByKey,
      key: (id) => through(keys, id, reader.key),
      async pendingDecisions(device, limit) {
        if (nothingPending.get(device) === true) return []
        const pending = await reader.pendingDecisions(device, limit)
        if (pending.length === 0 && limit > 0) nothingPending.set(device, true)
        return pending
      },
      delivery: (dl) => through(deliveries, dl, reader.delivery),
      statement: (ref) => through(statements, ref, reader.statement),
      leafIndex: (ref) => through(leaves, ref, reader.leafIndex),
      sameKeySameTarget: (key, target) =>
        answered(siblings, `${key} ${target}`, () => reader.sameKeySameTarget(key, target)),
      copiesOf: (key) => answered(copies, key, () => reader.copiesOf(key)),
      statementsOf: (user, typ) => answered(certificates, `${user} ${typ}`, () => reader.statementsOf(user, typ)),
    },
    committed(changes, result) {
      for (const change of changes) take(change)
      takeDeliveries(changes)
      takeLeaves(changes, result)
    },
    forget() {
      for (const cache of [...rows, ...answers]) cache.clear()
    },
  }
}

/** Open ones in the order in which they came; `null` if that is not known: one that was over goes on again. */
function siblingsAfter(
  others: readonly DeliveryRow[],
  row: DeliveryRow,
  isNew: boolean,
): readonly DeliveryRow[] | null {
  if (isTerminal(row.state)) return others.filter(({ dl }) => dl !== row.dl)
  if (others.some(({ dl }) => dl === row.dl)) return others.map((other) => (other.dl === row.dl ? row : other))
  return isNew ? [...others, row] : null
}

async function answered<K, V>(cache: BoundedCache<K, V>, question: K, read: () => Promise<V>): Promise<V> {
  const known = cache.get(question)
  if (known !== undefined) return known
  const answer = await read()
  cache.set(question, answer)
  return answer
}

async function through<K, V>(
  cache: BoundedCache<K, V>,
  key: K,
  read: (key: K) => Promise<V | null>,
): Promise<V | null> {
  const known = cache.get(key)
  if (known !== undefined) return known
  const row = await read(key)
  if (row !== null) cache.set(key, row)
  return row
}
