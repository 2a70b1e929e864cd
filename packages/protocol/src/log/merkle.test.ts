import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toBase64url, utf8 } from '../json/base64url.ts'
import type { InclusionProof } from '../statements/evidence.ts'
import { emptyRoot, leafHash, nodeHash, verifyConsistency, verifyInclusion } from './merkle.ts'
import { checkConsistency, checkInclusion } from './proofs.ts'
import { consistencyRanges, foldNodes, inclusionRanges, nodesOf } from './subtrees.ts'

/** MTH, PATH and SUBPROOF as RFC 9162, Section 2.1 writes them. */
function split(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1))
}
function mth(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves
  if (first === undefined) return emptyRoot()
  if (leaves.length === 1) return leafHash(first)
  const k = split(leaves.length)
  return nodeHash(mth(leaves.slice(0, k)), mth(leaves.slice(k)))
}
function pathOf(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return []
  const k = split(leaves.length)
  return m < k
    ? [...pathOf(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...pathOf(m - k, leaves.slice(k)), mth(leaves.slice(0, k))]
}
function proofOf(m: number, leaves: readonly Uint8Array[], known = true): Uint8Array[] {
  if (m === leaves.length) return known ? [] : [mth(leaves)]
  const k = split(leaves.length)
  return m <= k
    ? [...proofOf(m, leaves.slice(0, k), known), mth(leaves.slice(k))]
    : [...proofOf(m - k, leaves.slice(k), false), mth(leaves.slice(0, k))]
}
function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => utf8(`leaf ${i}`))
}
function flipped(octets: Uint8Array, bit: number): Uint8Array {
  const copy = octets.slice()
  const at = Math.floor(bit / 8) % copy.length
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8))
  return copy
}

const aSize = fc.integer({ min: 1, max: 130 })
const aBit = fc.nat(255)

describe('inclusion', () => {
  it('is proved for every leaf of a tree, and for no other leaf, index, size, path or root', () => {
    fc.assert(
      fc.property(aSize, fc.nat(), aBit, (size, pick, bit) => {
        const leaves = leavesOf(size)
        const index = pick % size
        const root = mth(leaves)
        const path = pathOf(index, leaves)
        const claim = { index, size, leafHash: leafHash(leaves[index] as Uint8Array), path, root }
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, leafHash: flipped(claim.leafHash, bit) })).toBe(false)
        expect(verifyInclusion({ ...claim, root: flipped(root, bit) })).toBe(false)
        expect(verifyInclusion({ ...claim, path: [...path, root] })).toBe(false)
        for (const at of path.keys()) {
          expect(verifyInclusion({ ...claim, path: path.map((h, i) => (i === at ? flipped(h, bit) : h)) })).toBe(false)
          expect(verifyInclusion({ ...claim, path: path.filter((_, i) => i !== at) })).toBe(false)
        }
        for (const other of [index - 1, index + 1]) expect(verifyInclusion({ ...claim, index: other })).toBe(false)
        expect(verifyInclusion({ ...claim, leafHash: claim.leafHash.slice(1) })).toBe(false)
      }),
    )
  })

  it('is refused for numbers that are none, and paths longer than any tree', () => {
    const leaf = leafHash(utf8('x'))
    const claim = { index: 0, size: 1, leafHash: leaf, path: [], root: leaf }
    expect(verifyInclusion(claim)).toBe(true)
    for (const index of [-1, 0.5, 1, Number.NaN]) expect(verifyInclusion({ ...claim, index })).toBe(false)
    for (const size of [-1, 0, 1.5, 2 ** 53]) expect(verifyInclusion({ ...claim, size })).toBe(false)
    expect(verifyInclusion({ ...claim, size: 2 ** 53 - 1, path: Array.from({ length: 1000 }, () => leaf) })).toBe(false)
  })

  it('does not go on above the root, nor end below it', () => {
    const leaf = leafHash(utf8('x'))
    const claim = { index: 0, size: 1, leafHash: leaf, path: [leaf], root: nodeHash(leaf, leaf) }
    expect(verifyInclusion(claim)).toBe(false)
    expect(verifyInclusion({ ...claim, size: 2 })).toBe(true)
    expect(verifyInclusion({ ...claim, size: 2, path: [], root: leaf })).toBe(false)
    expect(verifyInclusion({ ...claim, size: 2, path: [leaf, leaf], root: nodeHash(leaf, claim.root) })).toBe(false)
  })

  it('holds in trees beyond 32 bits', () => {
    const path = Array.from({ length: 40 }, (_, i) => leafHash(utf8(`${i}`)))
    const leaf = leafHash(utf8('x'))
    const root = path.reduce((hash, other) => nodeHash(hash, other), leaf)
    expect(verifyInclusion({ index: 0, size: 2 ** 40, leafHash: leaf, path, root })).toBe(true)
    expect(verifyInclusion({ index: 2 ** 32, size: 2 ** 40, leafHash: leaf, path, root })).toBe(false)
  })
})

describe('consistency', () => {
  it('is proved between every two sizes of a tree, and not with anything changed', () => {
    fc.assert(
      fc.property(aSize, fc.nat(), aBit, (size2, pick, bit) => {
        const leaves = leavesOf(size2)
        const size1 = 1 + (pick % size2)
        const claim = {
          size1,
          size2,
          root1: mth(leaves.slice(0, size1)),
          root2: mth(leaves),
          path: proofOf(size1, leaves),
        }
        expect(verifyConsistency(claim)).toBe(true)
        expect(verifyConsistency({ ...claim, root1: flipped(claim.root1, bit) })).toBe(false)
        expect(verifyConsistency({ ...claim, root2: flipped(claim.root2, bit) })).toBe(false)
        expect(verifyConsistency({ ...claim, path: [...claim.path, claim.root2] })).toBe(false)
        for (const at of claim.path.keys()) {
          const path = claim.path.map((h, i) => (i === at ? flipped(h, bit) : h))
          expect(verifyConsistency({ ...claim, path })).toBe(false)
        }
        if (size1 < size2) {
          expect(verifyConsistency({ ...claim, path: [] })).toBe(false)
          expect(verifyConsistency({ ...claim, size1: size2, size2: size1 })).toBe(false)
        }
      }),
    )
  })
})

describe('consistency that is claimed', () => {
  const one = leafHash(utf8('x'))
  const two = nodeHash(one, one)

  it('is refused for numbers that are none, and for an empty tree', () => {
    const claim = { size1: 1, size2: 2, root1: one, root2: two, path: [one] }
    expect(verifyConsistency(claim)).toBe(true)
    for (const size1 of [-1, 0, 0.5, Number.NaN]) expect(verifyConsistency({ ...claim, size1 })).toBe(false)
    for (const size2 of [0, 1.5, 2 ** 53, Number.NaN]) expect(verifyConsistency({ ...claim, size2 })).toBe(false)
    expect(verifyConsistency({ size1: 0, size2: 0, root1: emptyRoot(), root2: emptyRoot(), path: [] })).toBe(false)
  })

  it('is refused with hashes that are none, and above or below the root', () => {
    const claim = { size1: 1, size2: 2, root1: one, root2: two, path: [one] }
    expect(verifyConsistency({ ...claim, path: [one.slice(1)] })).toBe(false)
    expect(verifyConsistency({ ...claim, root1: one.slice(1) })).toBe(false)
    expect(verifyConsistency({ ...claim, size2: 1, root2: one })).toBe(false)
    const leaves = leavesOf(4)
    const [root1, root2, path] = [mth(leaves.slice(0, 3)), mth(leaves), proofOf(3, leaves)]
    expect(verifyConsistency({ size1: 3, size2: 4, root1, root2, path })).toBe(true)
    const above = { root1: nodeHash(one, root1), root2: nodeHash(one, root2), path: [...path, one] }
    expect(verifyConsistency({ size1: 3, size2: 4, ...above })).toBe(false)
    const [c = one, d = one] = path
    expect(verifyConsistency({ size1: 3, size2: 4, root1: c, root2: nodeHash(c, d), path: [c, d] })).toBe(false)
  })
})

it('makes a node of two hashes and of nothing else', () => {
  const hash = leafHash(utf8('x'))
  for (const other of [hash.slice(1), new Uint8Array(33), new Uint8Array()]) {
    expect(() => nodeHash(hash, other)).toThrow(RangeError)
    expect(() => nodeHash(other, hash)).toThrow(RangeError)
  }
})

describe('the ranges of a proof', () => {
  function hashOf(leaves: readonly Uint8Array[], range: { start: number; end: number }): Uint8Array {
    const nodes = nodesOf(range).map(({ level, index }) => {
      const width = 2 ** level
      return mth(leaves.slice(index * width, (index + 1) * width))
    })
    return foldNodes(nodes)
  }

  it('are those of RFC 9162, and fold from perfect subtrees', () => {
    fc.assert(
      fc.property(aSize, fc.nat(), (size, pick) => {
        const leaves = leavesOf(size)
        const index = pick % size
        expect(inclusionRanges(index, size).map((range) => hashOf(leaves, range))).toEqual(pathOf(index, leaves))
        expect(consistencyRanges(index + 1, size).map((range) => hashOf(leaves, range))).toEqual(
          proofOf(index + 1, leaves),
        )
        expect(hashOf(leaves, { start: 0, end: size })).toEqual(mth(leaves))
      }),
    )
  })

  it('are not those of a tree that does not exist', () => {
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 1],
    ] as const) {
      expect(() => inclusionRanges(index, size)).toThrow(RangeError)
    }
    expect(() => consistencyRanges(0, 1)).toThrow(RangeError)
    expect(() => consistencyRanges(2, 1)).toThrow(RangeError)
    expect(() => foldNodes([])).toThrow(RangeError)
  })
})

describe('proofs as they travel', () => {
  const leaves = leavesOf(11)
  const head = { size: 11, root: mth(leaves) }
  const before = { size: 7, root: mth(leaves.slice(0, 7)) }
  const b64u = (path: Uint8Array[]): string[] => path.map((hash) => toBase64url(hash))

  it('lead to the checkpoint or are invalid', () => {
    const proof = { index: 4, path: b64u(pathOf(4, leaves)) }
    expect(() => checkInclusion('leaf 4', proof, head)).not.toThrow()
    const wrong: [string, InclusionProof | undefined][] = [
      ['leaf 5', proof],
      ['leaf 4', undefined],
      ['leaf 4', { ...proof, index: 5 }],
      ['leaf 4', { ...proof, path: ['A', ...proof.path.slice(1)] }],
    ]
    for (const [leaf, other] of wrong) {
      expect(() => checkInclusion(leaf, other, head)).toThrow(expect.objectContaining({ code: 'proof-invalid' }))
    }
  })

  it('show growth or an inconsistent log', () => {
    const path = b64u(proofOf(7, leaves))
    expect(() => checkConsistency(before, head, path)).not.toThrow()
    expect(() => checkConsistency(head, head, [])).not.toThrow()
    expect(() => checkConsistency({ size: 0, root: emptyRoot() }, head, [])).not.toThrow()
    expect(() => checkConsistency({ size: 0, root: emptyRoot() }, { size: 0, root: emptyRoot() }, [])).not.toThrow()
    const inconsistent = expect.objectContaining({ code: 'log-inconsistent' })
    expect(() => checkConsistency(before, head, [])).toThrow(inconsistent)
    expect(() => checkConsistency(before, head, ['*'])).toThrow(inconsistent)
    expect(() => checkConsistency(head, before, path)).toThrow(inconsistent)
    expect(() => checkConsistency(head, { ...head, root: before.root }, [])).toThrow(inconsistent)
    expect(() => checkConsistency({ size: 0, root: head.root }, { size: 0, root: emptyRoot() }, [])).toThrow(
      inconsistent,
    )
    const empty = { size: 0, root: emptyRoot() }
    expect(() => checkConsistency(empty, empty, path)).toThrow(inconsistent)
  })
})
