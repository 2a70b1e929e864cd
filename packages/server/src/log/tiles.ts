import { foldNodes, leafHash, type TreeNode, utf8 } from '@keyferry/protocol'
import type { Change } from '../store/changes.ts'
import type { Reader } from '../store/store.ts'

/** Tiles of C2SP tlog-tiles: 256 hashes wide, 8 levels of the tree high. */
export const TILE_WIDTH = 256
const TILE_HEIGHT = 8
const HASH_OCTETS = 32
const TILES_REMEMBERED = 512

/**
 * The hashes of a growing tree as tiles: full ones in the store, the right edge in memory. N leaves cost O(N) hashes, a node a few reads.
 * A full tile that is not stored yet, or was lost with the power, is made again from what lies below: leaves are the truth.
 */
export interface Tiles {
  readonly size: number
  append(leaves: readonly string[]): void
  node(node: TreeNode): Promise<Uint8Array>
  /** Hashes of tile `index` at tile level `level`, as far as the tree of this size fills it; null if it is empty. */
  hashes(level: number, index: number): Promise<readonly Uint8Array[] | null>
  /** Full tiles that the store has not been given yet. */
  takeUnstored(): readonly Extract<Change, { kind: 'put-tile' }>[]
}

export async function openTiles(read: Pick<Reader, 'tile' | 'leaves' | 'leafCount'>): Promise<Tiles> {
  let size = 0
  /** Per tile level the hashes of the tile that is not full yet. */
  const edge: Uint8Array[][] = []
  const remembered = new Map<string, readonly Uint8Array[]>()
  let unstored: Extract<Change, { kind: 'put-tile' }>[] = []

  function remember(level: number, index: number, hashes: readonly Uint8Array[]): void {
    if (remembered.size >= TILES_REMEMBERED) remembered.delete(remembered.keys().next().value as string)
    remembered.set(`${level} ${index}`, hashes)
  }

  function fullTiles(level: number): number {
    return Math.floor(size / TILE_WIDTH ** (level + 1))
  }

  function push(level: number, hash: Uint8Array): void {
    const tile = edge[level] ?? []
    edge[level] = tile
    tile.push(hash)
    if (tile.length < TILE_WIDTH) return
    edge[level] = []
    const index = fullTiles(level) - 1
    remember(level, index, tile)
    unstored.push({ kind: 'put-tile', level, index, hashes: join(tile) })
    push(level + 1, rootOf(tile))
  }

  async function full(level: number, index: number): Promise<readonly Uint8Array[]> {
    const known = remembered.get(`${level} ${index}`)
    if (known !== undefined) return known
    const stored = await read.tile(level, index)
    const hashes = stored === null ? await again(level, index) : split(stored)
    remember(level, index, hashes)
    return hashes
  }

  async function again(level: number, index: number): Promise<readonly Uint8Array[]> {
    const hashes = await below(level, index * TILE_WIDTH, (index + 1) * TILE_WIDTH)
    unstored.push({ kind: 'put-tile', level, index, hashes: join(hashes) })
    return hashes
  }

  /** Hashes `from` to `to` (excluded) of a tile level, from the level below. */
  async function below(level: number, from: number, to: number): Promise<Uint8Array[]> {
    if (level === 0) return (await read.leaves(from, to)).map((leaf) => leafHash(utf8(leaf.text)))
    const hashes: Uint8Array[] = []
    for (let index = from; index < to; index++) hashes.push(rootOf(await full(level - 1, index)))
    return hashes
  }

  async function hashes(level: number, index: number): Promise<readonly Uint8Array[] | null> {
    const filled = fullTiles(level)
    if (index < filled) return full(level, index)
    const partial = edge[level]
    return index === filled && partial !== undefined && partial.length > 0 ? [...partial] : null
  }

  size = await read.leafCount()
  for (let level = 0; TILE_WIDTH ** level <= size; level++) {
    const count = Math.floor(size / TILE_WIDTH ** level)
    edge[level] = await below(level, count - (count % TILE_WIDTH), count)
  }

  return {
    get size() {
      return size
    },
    append(leaves) {
      for (const leaf of leaves) {
        size++
        push(0, leafHash(utf8(leaf)))
      }
    },
    async node({ level, index }) {
      const tileLevel = Math.floor(level / TILE_HEIGHT)
      const width = 2 ** (level % TILE_HEIGHT)
      const first = index * width
      const tile = await hashes(tileLevel, Math.floor(first / TILE_WIDTH))
      const at = first % TILE_WIDTH
      const parts = tile?.slice(at, at + width) ?? []
      if (parts.length < width) throw new RangeError('the tree has no such node')
      return rootOf(parts)
    },
    hashes,
    takeUnstored() {
      const taken = unstored
      unstored = []
      return taken
    },
  }
}

/** Root of a perfect subtree from its 2^n hashes, pairwise. */
function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes
  while (row.length > 1) {
    const next: Uint8Array[] = []
    for (let i = 0; i < row.length; i += 2) next.push(foldNodes(row.slice(i, i + 2)))
    row = next
  }
  return row[0] as Uint8Array
}

export function join(hashes: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(hashes.length * HASH_OCTETS)
  hashes.forEach((hash, i) => {
    all.set(hash, i * HASH_OCTETS)
  })
  return all
}

function split(octets: Uint8Array): Uint8Array[] {
  return Array.from({ length: octets.length / HASH_OCTETS }, (_, i) =>
    octets.subarray(i * HASH_OCTETS, (i + 1) * HASH_OCTETS),
  )
}
