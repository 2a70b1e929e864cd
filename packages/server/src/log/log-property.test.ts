import { generateKeyPairSync } from 'node:crypto'
import {
  fromBase64url,
  leafHash,
  nodeHash,
  type Ref,
  utf8,
  verifyConsistency,
  verifyInclusion,
} from '@keyferry/protocol'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { nodeSigner } from '../signing/node-signer.ts'
import type { Change } from '../store/changes.ts'
import { memoryStore } from '../store/memory/memory-store.ts'
import type { Store } from '../store/store.ts'
import { type Log, openLog } from './log.ts'

const signer = nodeSigner(generateKeyPairSync('ed25519').privateKey)
const COUNT = 2000
const texts = Array.from({ length: COUNT }, (_, i) => `decision ref${i} tag`)
const hashes = texts.map((text) => leafHash(utf8(text)))

/** MTH of RFC 9162, Section 2.1.1, word by word. */
function mth(start: number, end: number): Uint8Array {
  if (end - start === 1) return hashes[start] as Uint8Array
  let split = 1
  while (split * 2 < end - start) split *= 2
  return nodeHash(mth(start, start + split), mth(start + split, end))
}

async function grow(store: Store, log: Log, to: number): Promise<void> {
  const fresh = texts.slice(log.size, to)
  const unit = fresh.map((text, i): Change => ({ kind: 'append-leaf', ref: `ref${log.size + i}` as Ref, text }))
  const { leafIndexes } = await store.commit(unit)
  log.appended(fresh.map((text, i) => ({ text, index: leafIndexes[i] as number })))
}

const size = fc.integer({ min: 1, max: COUNT })
const twoSizes = fc.tuple(size, size).map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)))
const decoded = (path: readonly string[]) => path.map(fromBase64url)

/** What holds of any log of these leaves, however it came to be. */
function propertiesOf(name: string, make: () => Promise<Log>): void {
  describe(name, () => {
    let log: Log
    beforeAll(async () => {
      log = await make()
    })

    it('has the roots of RFC 9162', async () => {
      await fc.assert(
        fc.asyncProperty(size, async (n) => {
          expect(await log.root(n)).toEqual(mth(0, n))
        }),
        { numRuns: 60 },
      )
    })

    it('proves each leaf in each tree that has it, and in no other place', async () => {
      const inTree = size.chain((n) => fc.tuple(fc.constant(n), fc.nat(n - 1), fc.nat(n - 1)))
      await fc.assert(
        fc.asyncProperty(inTree, async ([n, index, other]) => {
          const claim = { size: n, path: decoded(await log.inclusionProof(index, n)), root: await log.root(n) }
          const leaf = hashes[index] as Uint8Array
          expect(verifyInclusion({ ...claim, index, leafHash: leaf })).toBe(true)
          expect(claim.path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(n)))
          if (other !== index) expect(verifyInclusion({ ...claim, index: other, leafHash: leaf })).toBe(false)
        }),
        { numRuns: 300 },
      )
    })

    it('proves that each tree grew from each smaller one', async () => {
      await fc.assert(
        fc.asyncProperty(twoSizes, async ([size1, size2]) => {
          const path = decoded(await log.consistencyProof(size1, size2))
          const [root1, root2] = [await log.root(size1), await log.root(size2)]
          expect(verifyConsistency({ size1, size2, root1, root2, path })).toBe(true)
        }),
        { numRuns: 300 },
      )
    })

    it('shows the tiles of C2SP tlog-tiles, partial ones too', async () => {
      const asked = fc.tuple(fc.constantFrom(0, 1, 2), fc.nat(9), fc.integer({ min: 1, max: 256 }))
      await fc.assert(
        fc.asyncProperty(asked, async ([level, index, width]) => {
          const each = 256 ** level
          const first = index * 256
          const there = (first + width) * each <= COUNT
          const tile = await log.tile(level, index, width)
          const expected = Array.from(
            { length: width },
            (_, i) => [(first + i) * each, (first + i + 1) * each] as const,
          )
          if (there) expect(tile).toEqual(new Uint8Array(Buffer.concat(expected.map(([a, b]) => mth(a, b)))))
          else expect(tile).toBeNull()
        }),
        { numRuns: 100 },
      )
    })

    it('shows entries, each after its length in two octets', async () => {
      const asked = fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 256 }))
      await fc.assert(
        fc.asyncProperty(asked, async ([index, width]) => {
          const octets = await log.entries(index, width)
          const first = index * 256
          if (first + width > COUNT) {
            expect(octets).toBeNull()
            return
          }
          const read: string[] = []
          const view = Buffer.from(octets as Uint8Array)
          for (let at = 0; at < view.length; at += 2 + view.readUInt16BE(at)) {
            read.push(view.toString('utf8', at + 2, at + 2 + view.readUInt16BE(at)))
          }
          expect(read).toEqual(texts.slice(first, first + width))
        }),
        { numRuns: 60 },
      )
    })
  })
}

const open = (store: Store) => openLog({ store, name: 'keys.example/log', signer })

propertiesOf('a log that grew in one process', async () => {
  const store = memoryStore()
  const log = await open(store)
  for (let to = 0; to < COUNT; ) {
    to = Math.min(COUNT, to + 1 + ((to * 31) % 97))
    await grow(store, log, to)
  }
  return log
})

propertiesOf('a log that was opened again from its tiles', async () => {
  const store = memoryStore()
  const log = await open(store)
  await grow(store, log, COUNT)
  await log.persist()
  return open(store)
})

propertiesOf('a log that was opened again from its leaves, its tiles lost', async () => {
  const store = memoryStore()
  await grow(store, await open(store), COUNT)
  return open(store)
})

describe('the cost of a log', () => {
  it('is one tile at most per row of tiles for a proof, and nothing for one seen before', async () => {
    const store = memoryStore()
    const first = await open(store)
    await grow(store, first, COUNT)
    await first.persist()
    let reads = 0
    const counted: Store = {
      ...store,
      read: {
        ...store.read,
        tile: (level, index) => {
          reads++
          return store.read.tile(level, index)
        },
      },
    }
    const log = await openLog({ store: counted, name: 'keys.example/log', signer })
    const whenOpened = reads
    expect(whenOpened).toBeLessThanOrEqual(COUNT / 256)
    for (const index of [3, 700, 1999]) await log.inclusionProof(index, COUNT)
    const cold = reads
    for (const index of [3, 700, 1999]) await log.inclusionProof(index, COUNT)
    expect(reads).toBe(cold)
  })

  it('is no stop for what was written meanwhile and never told of', async () => {
    const store = memoryStore()
    const log = await open(store)
    store.failAfter('append-leaf')
    await expect(grow(store, log, 3)).rejects.toMatchObject({ code: 'unavailable' })
    expect(log.size).toBe(0)
    const { leafIndexes } = await store.commit([{ kind: 'append-leaf', ref: 'ref3' as Ref, text: texts[3] as string }])
    log.appended([{ index: leafIndexes[0] as number, text: texts[3] as string }])
    for (let i = 0; i < 100 && log.size < 4; i++) await new Promise(setImmediate)
    expect(await log.root(4)).toEqual(mth(0, 4))
  })
})
