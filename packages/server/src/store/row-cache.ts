import type { DeliveryId, DeviceId, KeyId, Ref, Thumbprint, UserId } from '@keyferry/protocol'
import { type BoundedCache, boundedCache } from '../bounded-cache.ts'
import type { Change } from './changes.ts'
import type { DeliveryRow, DeviceRow, KeyRow, StatementRow, UserRow } from './rows.ts'
import type { Reader } from './store.ts'

/** Rows that were read by their id, for a store that nobody else writes to. */
export interface RowCache {
  /** Reads as the reader it was made of, which is asked once per row. */
  readonly read: Reader
  /** A unit of work is durable: call it before anybody is told. */
  committed(changes: readonly Change[]): void
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
  const devicesByKey = boundedCache<Thumbprint, DeviceRow>(ROWS_OF_A_KIND)
  const keys = boundedCache<KeyId, KeyRow>(ROWS_OF_A_KIND)
  const deliveries = boundedCache<DeliveryId, DeliveryRow>(ROWS_OF_A_KIND)
  // These never change once they are there.
  const statements = boundedCache<Ref, StatementRow>(ROWS_OF_A_KIND)
  const leaves = boundedCache<Ref, number>(ROWS_OF_A_KIND)
  /** Each request asks whether something waits for its device. */
  const nothingPending = boundedCache<DeviceId, true>(ROWS_OF_A_KIND)
  const all = [nothingPending, users, devices, devicesByKey, keys, deliveries, statements, leaves]

  function take(change: Change): void {
    switch (change.kind) {
      case 'insert-user':
      case 'replace-user':
        users.delete(change.row.id)
        break
      case 'insert-device':
      case 'replace-device':
        forgetDevice(change.row.id)
        break
      case 'note-proof':
        forgetDevice(change.device as DeviceId)
        break
      case 'insert-key':
      case 'replace-key':
        keys.delete(change.row.id)
        break
      case 'insert-delivery':
      case 'replace-delivery':
        // It is asked for at once, by the next step.
        deliveries.set(change.row.dl, change.row)
        nothingPending.delete(change.row.source)
        nothingPending.delete(change.row.target)
    }
  }

  /** Under which keys it was found is not known here, and devices change seldom. */
  function forgetDevice(id: DeviceId): void {
    devices.delete(id)
    devicesByKey.clear()
  }

  return {
    read: {
      ...reader,
      user: (id) => through(users, id, reader.user),
      device: (id) => through(devices, id, reader.device),
      deviceByKey: (key) => through(devicesByKey, key, reader.deviceByKey),
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
    },
    committed(changes) {
      for (const change of changes) take(change)
    },
    forget() {
      for (const cache of all) cache.clear()
    },
  }
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
