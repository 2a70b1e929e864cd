import { nodeHash } from '@keyferry/protocol'

/** Tiles of C2SP tlog-tiles: 256 hashes wide, so 8 levels of the tree high. */
export const TILE_WIDTH = 256
export const TILE_HEIGHT = 8
export const HASH_OCTETS = 32

/** Where each row begins, in hashes: 256 of the tile itself, then 128 of their pairs, and so on to the one that stands for all. */
const ROW_STARTS: readonly number[] = Array.from(
  { length: TILE_HEIGHT + 1 },
  (_, row) => 2 * TILE_WIDTH - 2 * (TILE_WIDTH >> row),
)

/**
 * One tile with all hashes between its own and the single one that it becomes in the tile above. Each is made once, when its pair
 * is there: n hashes pushed cost less than n hashes made, and any perfect subtree is then read, not made.
 */
export interface TileTree {
  /** Hashes of the tile so far. */
  readonly width: number
  /** @throws {RangeError} when the tile is full. */
  push(hash: Uint8Array): void
  /** Hash of the `index`-th subtree of 2^`row` hashes of this tile, or null if the tile does not fill it yet. */
  node(row: number, index: number): Uint8Array | null
  /** The first `width` hashes, joined, in a buffer of its own. */
  octets(width: number): Uint8Array
}

export function tileTree(hashes: Uint8Array = new Uint8Array()): TileTree {
  const made = new Uint8Array((2 * TILE_WIDTH - 1) * HASH_OCTETS)
  let width = 0

  function at(row: number, index: number): Uint8Array {
    const start = ((ROW_STARTS[row] as number) + index) * HASH_OCTETS
    return made.subarray(start, start + HASH_OCTETS)
  }

  function push(hash: Uint8Array): void {
    if (width === TILE_WIDTH) throw new RangeError('the tile is full')
    let index = width++
    at(0, index).set(hash)
    for (let row = 0; index % 2 === 1; row++) {
      const pair = nodeHash(at(row, index - 1), at(row, index))
      index = (index - 1) / 2
      at(row + 1, index).set(pair)
    }
  }

  for (let start = 0; start < hashes.length; start += HASH_OCTETS) push(hashes.subarray(start, start + HASH_OCTETS))

  return {
    get width() {
      return width
    },
    push,
    node: (row, index) => ((index + 1) << row > width ? null : at(row, index).slice()),
    octets: (count) => made.slice(0, count * HASH_OCTETS),
  }
}
