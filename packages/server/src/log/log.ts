import {
  consistencyRanges,
  emptyRoot,
  foldNodes,
  fromBase64url,
  inclusionRanges,
  KeyferryError,
  type LeafRange,
  makeVkey,
  nodesOf,
  readCheckpoint,
  type Signer,
  signCheckpoint,
  toBase64url,
  utf8,
  type Vkey,
  verifyNote,
} from '@keyferry/protocol'
import { boundedCache } from '../bounded-cache.ts'
import { META } from '../store/meta.ts'
import type { Store } from '../store/store.ts'
import { TILE_WIDTH } from './tile-tree.ts'
import { openTiles } from './tiles.ts'

/** A leaf that is durable, with the index that the store gave it. */
export interface AppendedLeaf {
  readonly index: number
  readonly text: string
}

/** The transparency log of this server (PROTOCOL 11) over the leaves of its store. */
export interface Log {
  /** Leaves shown. Everything up to here is durable. */
  readonly size: number
  readonly vkey: string
  /**
   * Size of a head that covers the first `leaves` and is at most a second old: whoever asks in between shares its checkpoint and hashes.
   * Never less than one that was given before.
   */
  headOver(leaves: number): number
  /** Root of the tree of the first `size` leaves: 32 octets. */
  root(size: number): Promise<Uint8Array>
  /** Signed note of the first `size` leaves; signed once per size. */
  checkpoint(size: number): Promise<string>
  /** RFC 9162 proofs, hashes b64u. */
  inclusionProof(index: number, size: number): Promise<string[]>
  consistencyProof(from: number, to: number): Promise<string[]>
  /** C2SP tlog-tiles: `width` hashes of a tile, or null if the tree does not fill it so far. */
  tile(level: number, index: number, width: number): Promise<Uint8Array | null>
  /** C2SP tlog-tiles: `width` leaves, each with its length in two octets before it. */
  entries(index: number, width: number): Promise<Uint8Array | null>
  /** Tells of leaves that a unit of work made durable. They may come in another order than they were written. */
  appended(leaves: readonly AppendedLeaf[]): void
  /** Whether a note signed with this log's key fits it; null if it is not signed with it. A misfit means a restored server. */
  fits(note: string): Promise<boolean | null>
  /** Keeps full tiles and the last checkpoint: a smaller or other tree at the next start is noticed. */
  persist(): Promise<void>
}

export interface LogOptions {
  readonly store: Store
  /** `keys.example/log`: origin line and key name. */
  readonly name: string
  /** Ed25519. */
  readonly signer: Signer
  /** Milliseconds of a clock that only goes forward. */
  readonly milliseconds?: () => number
}

const CHECKPOINTS_REMEMBERED = 64
const RANGES_REMEMBERED = 4096
const HEAD_MILLISECONDS = 1000
const LEAVES_AT_ONCE = 1024

/** What names a log and checks what it signs. */
export function logVkey(name: string, { jwk }: Pick<Signer, 'jwk'>): Vkey {
  if (jwk.alg !== 'Ed25519') throw new TypeError('a log signs with Ed25519')
  return makeVkey(name, 'log', fromBase64url(jwk.x))
}

/**
 * @throws {KeyferryError} `log-inconsistent` when the store holds a smaller or another tree than this log has signed: a backup was put
 *   in its place. It is not to be written to; an operator starts a new log with a new key (PROTOCOL 10).
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const { store, name, signer, milliseconds = () => performance.now() } = options
  const key = logVkey(name, signer)
  const tiles = await openTiles(store.read)
  const ahead = new Map<number, string>()
  const signed = boundedCache<number, Promise<string>>(CHECKPOINTS_REMEMBERED)

  function range(leaves: LeafRange): Uint8Array | Promise<Uint8Array> {
    const [node, ...others] = nodesOf(leaves)
    if (node === undefined) return emptyRoot()
    if (others.length === 0) return tiles.node(node)
    const nodes = [node, ...others].map(tiles.node)
    return nodes.every((hash) => hash instanceof Uint8Array) ? foldNodes(nodes) : Promise.all(nodes).then(foldNodes)
  }

  /** Hashes of ranges as proofs name them. Leaves never change, so neither do they; most of a proof stands in the one before. */
  const proofHashes = boundedCache<string, string>(RANGES_REMEMBERED)

  function proofHash(leaves: LeafRange): string | Promise<string> {
    const name = `${leaves.start} ${leaves.end}`
    const known = proofHashes.get(name)
    if (known !== undefined) return known
    const keep = (hash: Uint8Array): string => {
      const text = toBase64url(hash)
      proofHashes.set(name, text)
      return text
    }
    const hash = range(leaves)
    return hash instanceof Uint8Array ? keep(hash) : hash.then(keep)
  }

  let head = { size: 0, until: 0 }
  function headOver(leaves: number): number {
    const now = milliseconds()
    if (leaves > head.size || now >= head.until) head = { size: tiles.size, until: now + HEAD_MILLISECONDS }
    return head.size
  }

  function proof(ranges: readonly LeafRange[]): Promise<string[]> {
    return Promise.all(ranges.map(proofHash))
  }

  async function root(size: number): Promise<Uint8Array> {
    return size === 0 ? emptyRoot() : range({ start: 0, end: size })
  }

  function checkpoint(size: number): Promise<string> {
    if (size > tiles.size) throw new RangeError('no checkpoint beyond what is durable')
    const known = signed.get(size)
    if (known !== undefined) return known
    const made = root(size).then((head) => signCheckpoint({ size, root: head }, key, signer))
    signed.set(size, made)
    made.catch(() => signed.delete(size))
    return made
  }

  /** Size of the checkpoint that the store holds. */
  let persisted = -1
  let catchingUp: Promise<void> | null = null

  /** Leaves that were never told of (the answer to their unit was lost, or another process wrote them) come from the store. */
  function catchUp(): Promise<void> {
    catchingUp ??= readOn().finally(() => {
      catchingUp = null
    })
    return catchingUp
  }

  async function readOn(): Promise<void> {
    const count = await store.read.leafCount()
    while (tiles.size < count) {
      const from = tiles.size
      const leaves = await store.read.leaves(from, Math.min(from + LEAVES_AT_ONCE, count))
      if (leaves.length === 0) return
      // Others may have been told of meanwhile.
      take(leaves.map(({ index, text }) => ({ index, text })))
    }
  }

  function take(leaves: readonly AppendedLeaf[]): void {
    for (const { index, text } of leaves) if (index >= tiles.size) ahead.set(index, text)
    for (let next = ahead.get(tiles.size); next !== undefined; next = ahead.get(tiles.size)) {
      ahead.delete(tiles.size)
      tiles.append(next)
    }
  }

  const last = await store.read.meta(META.lastCheckpoint)
  if (last !== null && !(await extendsNote(last))) {
    throw new KeyferryError(
      'log-inconsistent',
      'the data folder holds an older or another log than this server has signed',
    )
  }

  async function extendsNote(note: string): Promise<boolean> {
    const before = readCheckpoint(note)
    return before.size <= tiles.size && toBase64url(await root(before.size)) === toBase64url(before.root)
  }

  return {
    vkey: key.text,
    get size() {
      return tiles.size
    },
    headOver,
    root,
    checkpoint,
    inclusionProof: (index, size) => proof(inclusionRanges(index, size)),
    async consistencyProof(from, to) {
      return from === 0 || from === to ? [] : proof(consistencyRanges(from, to))
    },
    tile: tiles.octets,
    async entries(index, width) {
      const from = index * TILE_WIDTH
      if (from + width > tiles.size) return null
      const leaves = await store.read.leaves(from, from + width)
      return Buffer.concat(leaves.flatMap(({ text }) => lengthPrefixed(utf8(text))))
    },
    appended(leaves) {
      take(leaves)
      // Units are told of in the order of their commits, so a gap does not close by itself. If the store cannot be read now, the
      // next leaf tries again.
      if (ahead.size > 0) catchUp().catch(() => {})
    },
    async fits(note) {
      const reported = readCheckpoint(note)
      if (reported.logName !== name || (await verifyNote(reported.note, key)) !== 'good') return null
      await catchUp()
      return extendsNote(note)
    },
    async persist() {
      // Always: a last leaf whose answer was lost leaves no gap that shows.
      await catchUp()
      const size = tiles.size
      const full = tiles.takeUnstored()
      if (size === persisted && full.length === 0) return
      const note = await checkpoint(size)
      await store.commit([...full, { kind: 'put-meta', name: META.lastCheckpoint, value: note }])
      persisted = size
    },
  }
}

function lengthPrefixed(octets: Uint8Array): readonly Uint8Array[] {
  return [new Uint8Array([octets.length >> 8, octets.length & 255]), octets]
}
