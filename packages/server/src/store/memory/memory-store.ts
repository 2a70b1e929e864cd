import { KeyferryError } from '@keyferry/protocol'
import type { ChangeKind } from '../changes.ts'
import type { Store } from '../store.ts'
import { apply } from './apply.ts'
import { journal } from './journal.ts'
import { memoryReader } from './reader.ts'
import { emptyTables } from './tables.ts'

/** Which commit is meant: the next one that holds a change of this kind, or the n-th from now (1 = the next). */
export type Occasion = ChangeKind | number

/** A `Store` in memory, for tests. It keeps the promises of the port but durability, and fails when it is told to. */
export interface MemoryStore extends Store {
  /** That commit rejects with `unavailable` and writes nothing: a full disk. */
  failBefore(when: Occasion): void
  /** That commit writes, then rejects with `unavailable`: a crash between the commit and its answer. */
  failAfter(when: Occasion): void
}

export function memoryStore(): MemoryStore {
  const tables = emptyTables()
  const before: { when: Occasion }[] = []
  const after: { when: Occasion }[] = []
  let closed = false
  return {
    read: memoryReader(tables),
    failBefore: (when) => void before.push({ when }),
    failAfter: (when) => void after.push({ when }),
    async commit(changes) {
      if (closed) throw new KeyferryError('unavailable', 'the store is closed', { retryAfter: 1 })
      // A copy, as if it crossed into another thread; and a turn, so that two writers really meet.
      const unit = deepFreeze(structuredClone(changes))
      await null
      const kinds = unit.map(({ kind }) => kind)
      const [failsBefore, failsAfter] = [comesTrue(before, kinds), comesTrue(after, kinds)]
      if (failsBefore) throw failure()
      const writes = journal()
      const leafIndexes: number[] = []
      try {
        for (const change of unit) {
          const index = apply(tables, change, writes)
          if (index !== undefined) leafIndexes.push(index)
        }
      } catch (error) {
        writes.undo()
        throw error
      }
      if (failsAfter) throw failure()
      return { leafIndexes }
    },
    async close() {
      closed = true
    },
  }
}

/** Counts this commit off each occasion; true, once, for one that it is. */
function comesTrue(occasions: { when: Occasion }[], kinds: readonly ChangeKind[]): boolean {
  for (const occasion of occasions) if (typeof occasion.when === 'number') occasion.when--
  const at = occasions.findIndex(({ when }) => (typeof when === 'number' ? when <= 0 : kinds.includes(when)))
  if (at >= 0) occasions.splice(at, 1)
  return at >= 0
}

function failure(): KeyferryError {
  return new KeyferryError('unavailable', 'told to fail', { retryAfter: 1 })
}

/** Rows are shared with readers, so nobody may change them. Octets cannot be frozen. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
