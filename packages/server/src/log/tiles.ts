import { leafHash, type TreeNode, utf8 } from '@keyferry/protocol'
import { boundedCache } from '../bounded-cache.ts'
import type { Change } from '../store/changes.ts'
import type { Reader } from '../store/store.ts'
import { TILE_HEIGHT, TILE_WIDTH, type TileTree, tileTree } from './tile-tree.ts'

const TILES_REMEMBERED = 256

type PutTile = Extract<Change, { kind: 'put-tile' }>

/**
 * The hashes of a growing tree as tiles: full ones in the store, the right edge in memory. N leaves cost O(N) hashes, a node one tile.
 * A full tile that is not stored yet, or was lost with the power, is made again from what lies below: leaves are the truth.
 */
export interface Tiles {
  readonly size: number
  append(leaf: string): void
  /** At once if the tile is in memory: a proof asks for many. */
  node(node: TreeNode): Uint8Array | Promise<Uint8Array>
  /** The first `width` hashes of tile `index` at tile level `level`, joined; null if the tree of this size has not so many. */
  octets(level: number, index: number, width: number): Promise<Uint8Array | null>
  /** Full tiles that the store has not been given yet. */
  takeUnstored(): readonly PutTile[]
}

export async function openTiles(read: Pick<Reader, 'tile' | 'leaves' | 'leafCount'>): Promise<Tiles> {
  let size = 0
  /** Per tile level the tile that is not full yet. */
  const edge: TileTree[] = []
  /** Full tiles. */
  const remembered = boundedCache<string, TileTree>(TILES_REMEMBERED)
  let unstored: PutTile[] = []

  function remember(name: string, tile: TileTree): TileTree {
    remembered.set(name, tile)
    return tile
  }

  function fullTiles(level: number): number {
    return Math.floor(size / TILE_WIDTH ** (level + 1))
  }

  function push(level: number, hash: Uint8Array): void {
    edge[level] ??= tileTree()
    const tile = edge[level]
    tile.push(hash)
    if (tile.width < TILE_WIDTH) return
    edge[level] = tileTree()
    const index = fullTiles(level) - 1
    remember(`${level} ${index}`, tile)
    unstored.push({ kind: 'put-tile', level, index, hashes: tile.octets(TILE_WIDTH) })
    push(level + 1, rootOf(tile))
  }

  function full(level: number, index: number): TileTree | Promise<TileTree> {
    const name = `${level} ${index}`
    return remembered.get(name) ?? fetch(name, level, index)
  }

  async function fetch(name: string, level: number, index: number): Promise<TileTree> {
    const stored = await read.tile(level, index)
    if (stored !== null) return remember(name, tileTree(stored))
    const again = await fromBelow(level, index * TILE_WIDTH, (index + 1) * TILE_WIDTH)
    unstored.push({ kind: 'put-tile', level, index, hashes: again.octets(TILE_WIDTH) })
    return remember(name, again)
  }

  /** Hashes `from` to `to` (excluded) of a tile level, which one tile holds. */
  async function fromBelow(level: number, from: number, to: number): Promise<TileTree> {
    const tile = tileTree()
    if (level === 0) {
      for (const leaf of await read.leaves(from, to)) tile.push(leafHash(utf8(leaf.text)))
    } else {
      for (let index = from; index < to; index++) tile.push(rootOf(await full(level - 1, index)))
    }
    return tile
  }

  function tileAt(level: number, index: number): TileTree | null | Promise<TileTree> {
    const filled = fullTiles(level)
    if (index < filled) return full(level, index)
    return index === filled ? (edge[level] ?? null) : null
  }

  size = await read.leafCount()
  for (let level = 0; TILE_WIDTH ** level <= size; level++) {
    const count = Math.floor(size / TILE_WIDTH ** level)
    edge[level] = await fromBelow(level, count - (count % TILE_WIDTH), count)
  }

  return {
    get size() {
      return size
    },
    append(leaf) {
      size++
      push(0, leafHash(utf8(leaf)))
    },
    node({ level, index }) {
      const row = level % TILE_HEIGHT
      const perTile = TILE_WIDTH >> row
      const tile = tileAt(Math.floor(level / TILE_HEIGHT), Math.floor(index / perTile))
      return tile instanceof Promise
        ? tile.then((fetched) => nodeOf(fetched, row, index % perTile))
        : nodeOf(tile, row, index % perTile)
    },
    async octets(level, index, width) {
      const tile = await tileAt(level, index)
      return tile === null || tile.width < width ? null : tile.octets(width)
    },
    takeUnstored() {
      const taken = unstored
      unstored = []
      return taken
    },
  }
}

function nodeOf(tile: TileTree | null, row: number, index: number): Uint8Array {
  const hash = tile?.node(row, index) ?? null
  if (hash === null) throw new RangeError('the tree has no such node')
  return hash
}

function rootOf(full: TileTree): Uint8Array {
  return full.node(TILE_HEIGHT, 0) as Uint8Array
}
