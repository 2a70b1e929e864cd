import { foldNodes, leafHash, nodesOf, utf8 } from '@keyferry/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEntries, tileName } from './public-log.ts'
import { treeRoot } from './tree-root.ts'

describe('the root of leaves that come one by one', () => {
  it('is that of RFC 9162 for every size', () => {
    // MTH of a list by its definition, not by the code under test.
    const mth = (leaves: readonly string[]): Uint8Array => {
      if (leaves.length === 1) return leafHash(utf8(leaves[0] ?? ''))
      const split = 2 ** Math.floor(Math.log2(leaves.length - 1))
      return foldNodes([mth(leaves.slice(0, split)), mth(leaves.slice(split))])
    }
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 70 }), (leaves) => {
        const tree = treeRoot()
        for (const leaf of leaves) tree.append(leaf)
        expect(tree.size).toBe(leaves.length)
        expect(tree.root()).toEqual(mth(leaves))
      }),
    )
  })

  it('keeps one hash for each perfect subtree', () => {
    expect(nodesOf({ start: 0, end: 70 })).toHaveLength(3)
  })
})

describe('a tile of leaves', () => {
  it.each([
    [0, '000'],
    [67, '067'],
    [1234, 'x001/234'],
    [1234067, 'x001/x234/067'],
  ])('number %i is called %s', (index, name) => {
    expect(tileName(index)).toBe(name)
  })

  it('is read entry by entry, and refused when it breaks off', () => {
    const octets = Buffer.from([0, 2, 0x61, 0x62, 0, 1, 0x63])
    expect(readEntries(octets)).toEqual(['ab', 'c'])
    expect(() => readEntries(octets.subarray(0, 6))).toThrow(expect.objectContaining({ code: 'response-invalid' }))
    expect(() => readEntries(Buffer.from([0]))).toThrow(expect.objectContaining({ code: 'response-invalid' }))
  })
})
