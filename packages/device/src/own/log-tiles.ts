import {
  foldNodes,
  inclusionRanges,
  KeyferryError,
  nodeHash,
  nodesOf,
  type TreeNode,
  toBase64url,
} from '@keyferry/protocol'
import { ANSWER_TIMES, type Transport } from '../client/transport.ts'

const WIDTH = 256
const HEIGHT = 8
const HASH_OCTETS = 32

/** Fetches a file of the log, which proves itself: only hashes and signed notes, no entries. */
export async function getFromLog(transport: Transport, origin: string, path: string): Promise<Uint8Array> {
  const answer = await transport.send({
    method: 'GET',
    url: `${origin}/log/${path}`,
    headers: {},
    content: null,
    ...ANSWER_TIMES,
  })
  if (answer.status !== 200) throw new KeyferryError('unavailable', `the log answered ${answer.status}`)
  return answer.content
}

/**
 * The inclusion proof of a leaf in the tree of this size, made from hash tiles (C2SP tlog-tiles): hashes, b64u, leaf upwards.
 * It proves nothing until it leads to the root of a signed checkpoint.
 * @throws {KeyferryError} `proof-invalid` if the log does not show what the tree must have.
 */
export async function inclusionPath(
  get: (path: string) => Promise<Uint8Array>,
  index: number,
  size: number,
): Promise<readonly string[]> {
  if (!(index < size)) throw new KeyferryError('proof-invalid', 'the log is not that large yet')
  const path: string[] = []
  for (const range of inclusionRanges(index, size)) {
    const hashes: Uint8Array[] = []
    for (const node of nodesOf(range)) hashes.push(await hashOf(get, node, size))
    path.push(toBase64url(foldNodes(hashes)))
  }
  return path
}

/** A node is the root of 2^k neighbouring hashes of one tile, k < 8. */
async function hashOf(
  get: (path: string) => Promise<Uint8Array>,
  { level, index }: TreeNode,
  size: number,
): Promise<Uint8Array> {
  const tileLevel = Math.floor(level / HEIGHT)
  const count = 2 ** (level % HEIGHT)
  const first = index * count
  const tile = Math.floor(first / WIDTH)
  const width = Math.min(WIDTH, Math.floor(size / WIDTH ** tileLevel) - tile * WIDTH)
  const partial = width === WIDTH ? '' : `.p/${width}`
  const octets = await get(`tile/${tileLevel}/${tileName(tile)}${partial}`)
  if (octets.length !== width * HASH_OCTETS) throw new KeyferryError('proof-invalid', 'a tile has another size')
  const at = first % WIDTH
  return rootOfHashes(
    Array.from({ length: count }, (_, i) => octets.subarray((at + i) * HASH_OCTETS, (at + i + 1) * HASH_OCTETS)),
  )
}

/** Of a perfect subtree. */
function rootOfHashes(hashes: readonly Uint8Array[]): Uint8Array {
  const [first, second] = hashes
  if (first === undefined) throw new RangeError('a subtree has a leaf')
  if (second === undefined) return first
  const middle = hashes.length / 2
  return nodeHash(rootOfHashes(hashes.slice(0, middle)), rootOfHashes(hashes.slice(middle)))
}

/** Groups of three digits, all but the last with an `x`. */
function tileName(index: number): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? []
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/')
}
