import { leafHash, nodeHash, utf8 } from '@keyferry/protocol'
import { describe, expect, it } from 'vitest'
import { TILE_WIDTH, tileTree } from './tile-tree.ts'

const hashes = Array.from({ length: TILE_WIDTH }, (_, i) => leafHash(utf8(`leaf ${i}`)))

/** By the definition of RFC 9162, for 2^row hashes. */
function merge(from: number, row: number): Uint8Array {
  if (row === 0) return hashes[from] as Uint8Array
  const half = 2 ** (row - 1)
  return nodeHash(merge(from, row - 1), merge(from + half, row - 1))
}

describe('a tile', () => {
  it('has each perfect subtree as soon as it is filled, and not before', () => {
    const tile = tileTree()
    for (let width = 1; width <= TILE_WIDTH; width++) {
      tile.push(hashes[width - 1] as Uint8Array)
      for (let row = 0; row <= 8; row++) {
        const filled = Math.floor(width / 2 ** row)
        expect(tile.node(row, filled)).toBeNull()
        if (filled > 0) expect(tile.node(row, filled - 1)).toEqual(merge((filled - 1) * 2 ** row, row))
      }
    }
    expect(() => tile.push(hashes[0] as Uint8Array)).toThrow(RangeError)
  })

  it('is the same again from its octets', () => {
    const tile = tileTree()
    for (const hash of hashes.slice(0, 100)) tile.push(hash)
    const again = tileTree(tile.octets(100))
    expect(again.width).toBe(100)
    expect(again.node(5, 2)).toEqual(merge(64, 5))
    expect(again.octets(100)).toEqual(tile.octets(100))
  })
})
