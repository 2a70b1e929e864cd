import { KeyferryError } from '@keyferry/protocol'
import type { Change } from '../changes.ts'
import type { StoredNotice } from '../rows.ts'
import type { Journal } from './journal.ts'
import type { Tables } from './tables.ts'

/**
 * Does one change.
 * @returns The index of the leaf, if the change appended one.
 * @throws {KeyferryError} `state-conflict`, `key-in-use`: the caller undoes the whole unit.
 */
export function apply(tables: Tables, change: Change, to: Journal): number | undefined {
  switch (change.kind) {
    case 'insert-user':
      for (const other of tables.users.values()) if (other.username === change.row.username) throw exists()
      return insert(to, tables.users, change.row.id, change.row)
    case 'replace-user':
      for (const other of tables.users.values()) {
        if (other.username === change.row.username && other.id !== change.row.id) throw exists()
      }
      return replace(to, tables.users, change.row.id, change.row)
    case 'insert-device':
      return insert(to, tables.devices, change.row.id, change.row)
    case 'replace-device': {
      const proofs = [tables.devices.get(change.row.id)?.lastProofAt, change.row.lastProofAt]
      const lastProofAt = proofs.reduce<number | null>((last, at) => later(last, at ?? null), null)
      return replace(to, tables.devices, change.row.id, { ...change.row, lastProofAt })
    }
    case 'note-proof': {
      const row = tables.devices.get(change.device)
      if (row === undefined) return
      return to.set(tables.devices, row.id, { ...row, lastProofAt: later(row.lastProofAt, change.at) }) as undefined
    }
    case 'put-statement':
      return insertUnlessThere(to, tables.statements, change.row.ref, change.row)
    case 'claim-key': {
      const known = tables.keyRoles.get(change.row.thumbprint)
      if (known === undefined) return insert(to, tables.keyRoles, change.row.thumbprint, change.row)
      if (known.role === change.row.role && known.holder === change.row.holder) return
      throw new KeyferryError('key-in-use', 'the key has another role or holder here')
    }
    case 'insert-enrolment':
      return insert(to, tables.enrolments, change.row.id, change.row)
    case 'replace-enrolment':
      return replace(to, tables.enrolments, change.row.id, change.row)
    case 'insert-key':
      return insert(to, tables.keys, change.row.id, change.row)
    case 'replace-key':
      return replace(to, tables.keys, change.row.id, change.row)
    case 'insert-application':
      return insert(to, tables.applications, change.row.id, change.row)
    case 'replace-application':
      return replace(to, tables.applications, change.row.id, change.row)
    case 'insert-transfer':
      return insert(to, tables.transfers, change.row.tr, change.row)
    case 'insert-delivery':
      if (!tables.transfers.has(change.row.tr)) throw new Error('a delivery needs its transfer')
      return insert(to, tables.deliveries, change.row.dl, change.row)
    case 'replace-delivery':
      return replace(to, tables.deliveries, change.row.dl, change.row)
    case 'insert-envelope':
      return insert(to, tables.envelopes, `${change.row.dl} ${change.row.attempt}`, change.row)
    case 'erase-envelopes':
      for (const [key, row] of [...tables.envelopes]) if (row.dl === change.dl) to.delete(tables.envelopes, key)
      return
    case 'insert-notice': {
      const cursor = (tables.cursor.get('notice') ?? 0) + 1
      to.set(tables.cursor, 'notice', cursor)
      return insert(to, tables.notices, change.row.id, { ...change.row, cursor })
    }
    case 'acknowledge-notices':
      for (const id of change.ids) {
        const row = tables.notices.get(id)
        if (row?.recipient === change.recipient) to.set(tables.notices, id, { ...row, state: 'acknowledged' })
      }
      return
    case 'retire-notices':
      for (const row of [...tables.notices.values()]) {
        if (row.delivery === change.delivery && waits(row)) to.set(tables.notices, row.id, { ...row, state: 'dead' })
      }
      return
    case 'insert-decision':
      return insertUnlessThere(to, tables.decisions, change.row.ref, change.row)
    case 'insert-idempotency':
      return insert(to, tables.idempotency, `${change.row.scope} ${change.row.key}`, change.row)
    case 'append-leaf': {
      const index = tables.leaves.size
      to.set(tables.leaves, index, { index, text: change.text, ref: change.ref })
      return index
    }
    case 'put-meta':
      return to.set(tables.meta, change.name, change.value) as undefined
    case 'delete-meta':
      to.delete(tables.meta, change.name)
      return
    case 'put-tile':
      return to.set(tables.tiles, `${change.level} ${change.index}`, change.hashes) as undefined
    case 'sweep-expired':
      for (const map of [tables.idempotency, tables.enrolments, tables.notices]) {
        const expired = [...map].filter(([, row]) => row.expiresAt < change.before)
        for (const [key] of expired.slice(0, change.limit)) to.delete(map as typeof tables.notices, key)
      }
      return
  }
}

/** Neither acknowledged nor dead. */
export function waits(notice: StoredNotice): boolean {
  return notice.state === 'queued' || notice.state === 'sent'
}

function insert<V>(to: Journal, map: Map<string, V>, key: string, row: V): undefined {
  if (map.has(key)) throw exists()
  to.set(map, key, row)
}

function insertUnlessThere<V>(to: Journal, map: Map<string, V>, key: string, row: V): undefined {
  if (!map.has(key)) to.set(map, key, row)
}

function replace<V extends { readonly version: number }>(
  to: Journal,
  map: Map<string, V>,
  key: string,
  row: V,
): undefined {
  if (map.get(key)?.version !== row.version - 1) throw new KeyferryError('state-conflict', 'another writer was first')
  to.set(map, key, row)
}

function exists(): KeyferryError {
  return new KeyferryError('state-conflict', 'there is one already')
}

function later(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}
