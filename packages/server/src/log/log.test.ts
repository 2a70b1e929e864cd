import { generateKeyPairSync } from 'node:crypto'
import {
  checkConsistency,
  checkInclusion,
  parseVkey,
  type Ref,
  readCheckpoint,
  toBase64url,
  verifyNote,
} from '@keyferry/protocol'
import { describe, expect, it } from 'vitest'
import { nodeSigner } from '../signing/node-signer.ts'
import type { Change } from '../store/changes.ts'
import { memoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { type Log, openLog } from './log.ts'

const signer = nodeSigner(generateKeyPairSync('ed25519').privateKey)
const open = (store: Store) => openLog({ store, name: 'keys.example/log', signer })

function leaves(from: number, to: number): Change[] {
  return Array.from({ length: to - from }, (_, i) => {
    const ref = toBase64url(new Uint8Array(32).fill((from + i) % 251)) as Ref
    return { kind: 'append-leaf', ref, text: `decision ${ref} ${from + i}` }
  })
}

async function grow(store: Store, log: Log, to: number): Promise<void> {
  while (log.size < to) {
    const changes = leaves(log.size, Math.min(to, log.size + 100))
    const { leafIndexes } = await store.commit(changes)
    log.appended(
      changes.flatMap((change, i) =>
        change.kind === 'append-leaf' ? [{ index: leafIndexes[i] as number, text: change.text }] : [],
      ),
    )
  }
}

const SIZES = [1, 2, 3, 7, 8, 255, 256, 257, 511, 700, 1024, 1300]

describe('the log', () => {
  it('proves each size against each earlier one, also after it was opened again', async () => {
    const store = memoryStore()
    const log = await open(store)
    const roots = new Map<number, Uint8Array>()
    for (const size of SIZES) {
      await grow(store, log, size)
      roots.set(size, await log.root(size))
    }
    await log.persist()
    for (const opened of [log, await open(store)]) {
      for (const older of SIZES) {
        expect(await opened.root(older)).toEqual(roots.get(older))
        for (const newer of SIZES.filter((size) => size >= older)) {
          const path = await opened.consistencyProof(older, newer)
          const head = (size: number) => ({ size, root: roots.get(size) as Uint8Array })
          expect(() => checkConsistency(head(older), head(newer), path)).not.toThrow()
        }
      }
    }
  })

  it('proves that each leaf is in it', async () => {
    const store = memoryStore()
    const log = await open(store)
    await grow(store, log, 600)
    const head = { size: 600, root: await log.root(600) }
    for (const index of [0, 1, 100, 255, 256, 511, 512, 598, 599]) {
      const leaf = (await store.read.leaves(index, index + 1))[0]
      const path = await log.inclusionProof(index, 600)
      expect(() => checkInclusion(leaf?.text ?? '', { index, path }, head)).not.toThrow()
      expect(() => checkInclusion('decision x y', { index, path }, head)).toThrow()
    }
  })

  it('signs a checkpoint that anybody with its vkey verifies, and none beyond what is durable', async () => {
    const store = memoryStore()
    const log = await open(store)
    await grow(store, log, 5)
    const checkpoint = readCheckpoint(await log.checkpoint(5))
    expect(checkpoint).toMatchObject({ size: 5, logName: 'keys.example/log' })
    expect(await verifyNote(checkpoint.note, parseVkey(log.vkey))).toBe('good')
    expect(() => log.checkpoint(6)).toThrow(RangeError)
  })

  it('gives whoever asks within a second the same head, unless it lacks a leaf', async () => {
    const store = memoryStore()
    let now = 0
    const log = await openLog({ store, name: 'keys.example/log', signer, milliseconds: () => now })
    await grow(store, log, 5)
    expect(log.headOver(3)).toBe(5)
    await grow(store, log, 9)
    now = 999
    expect(log.headOver(5)).toBe(5)
    expect(log.headOver(6)).toBe(9)
    await grow(store, log, 10)
    now = 1998
    expect(log.headOver(6)).toBe(9)
    now = 1999
    expect(log.headOver(0)).toBe(10)
  })

  it('takes leaves in any order, and those that it was never told of from the store', async () => {
    const store = memoryStore()
    const log = await open(store)
    const changes = leaves(0, 3)
    await store.commit(changes)
    const texts = changes.flatMap((change) => (change.kind === 'append-leaf' ? [change.text] : []))
    log.appended([{ index: 2, text: texts[2] as string }])
    expect(log.size).toBe(0)
    log.appended([{ index: 0, text: texts[0] as string }])
    expect(log.size).toBe(1)
    await log.persist()
    expect(log.size).toBe(3)
  })

  it('shows a last leaf whose answer was lost, though nothing comes after it', async () => {
    const store = memoryStore()
    const log = await open(store)
    store.failAfter('append-leaf')
    await expect(store.commit(leaves(0, 1))).rejects.toMatchObject({ code: 'unavailable' })
    expect(log.size).toBe(0)
    await log.persist()
    expect(log.size).toBe(1)
  })

  it('does not start on a smaller tree than the one that it signed', async () => {
    const [whole, restored] = [memoryStore(), memoryStore()]
    const log = await open(whole)
    await grow(whole, log, 10)
    const early = await open(restored)
    await grow(restored, early, 4)
    await restored.commit([{ kind: 'put-meta', name: 'log-checkpoint', value: await log.checkpoint(10) }])
    await expect(open(restored)).rejects.toMatchObject({ code: 'log-inconsistent' })
    expect(await early.fits(await log.checkpoint(10))).toBe(false)
    expect(await early.fits(await log.checkpoint(4))).toBe(true)
  })

  it('hands out tiles and entries as far as they are filled', async () => {
    const store = memoryStore()
    const log = await open(store)
    await grow(store, log, 300)
    expect((await log.tile(0, 0, 256))?.length).toBe(256 * 32)
    expect((await log.tile(0, 1, 44))?.length).toBe(44 * 32)
    expect(await log.tile(0, 1, 45)).toBeNull()
    expect((await log.tile(1, 0, 1))?.length).toBe(32)
    const first = (await log.entries(0, 1)) as Uint8Array
    expect(new TextDecoder().decode(first.subarray(2))).toBe((await store.read.leaves(0, 1))[0]?.text)
  })
})
