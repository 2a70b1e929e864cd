import { equalOctets, sha256 } from '#platform'

/**
 * Hash tree of RFC 9162, Section 2.1 (the one of RFC 6962) with SHA-256. Sizes and indexes are integers up to 2^53 - 1, so
 * they are halved by division: the bit operators of ECMAScript end at 32 bits.
 */

/** SHA-256(`00` || leaf). */
export function leafHash(leaf: Uint8Array): Uint8Array {
  const octets = new Uint8Array(1 + leaf.length)
  octets.set(leaf, 1)
  return sha256(octets)
}

const HASH_OCTETS = 32
/** What a node is the hash of, written over for each: to make it anew would cost more than to hash it. */
const NODE = Uint8Array.of(1, ...new Uint8Array(2 * HASH_OCTETS))

/**
 * SHA-256(`01` || left || right), of 32 octets each.
 * @throws {RangeError} for other lengths: whoever reads hashes that somebody sent checks these first.
 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (!areHashes(left, right)) throw new RangeError('a node is made of two hashes')
  NODE.set(left, 1)
  NODE.set(right, 1 + HASH_OCTETS)
  return sha256(NODE)
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array())
}

export interface InclusionClaim {
  /** Of the leaf, from 0. */
  readonly index: number
  /** Leaves in the tree. */
  readonly size: number
  readonly leafHash: Uint8Array
  /** Hashes from the leaf's sibling upwards. */
  readonly path: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** RFC 9162, Section 2.1.3.2: whether the path leads from this leaf to this root. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, path, root } = claim
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes(claim.leafHash, root, ...path)) return false
  let node = index
  let last = size - 1
  let hash = claim.leafHash
  for (const other of path) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      hash = nodeHash(other, hash)
      while (!isOdd(node) && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      hash = nodeHash(hash, other)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && equalOctets(hash, root)
}

export interface ConsistencyClaim {
  readonly size1: number
  readonly size2: number
  readonly root1: Uint8Array
  readonly root2: Uint8Array
  readonly path: readonly Uint8Array[]
}

/**
 * RFC 9162, Section 2.1.4.2: whether the larger tree begins with all the leaves of the smaller one. Trees of one size are
 * consistent with an empty path and equal roots. An empty tree is the beginning of any, which proves nothing: false.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { size1, size2, root1, root2, path } = claim
  if (!isCount(size1) || !isCount(size2) || size1 === 0 || size1 > size2) return false
  // Nothing is hashed here, so the roots need only be equal.
  if (size1 === size2) return path.length === 0 && equalOctets(root1, root2)
  if (!areHashes(root1, root2, ...path)) return false
  const hashes = isPowerOfTwo(size1) ? [root1, ...path] : path
  const [first, ...rest] = hashes
  // A power of two needs a path too: its own root alone says nothing of the larger tree.
  if (first === undefined || path.length === 0) return false
  let node = size1 - 1
  let last = size2 - 1
  while (isOdd(node)) {
    node = half(node)
    last = half(last)
  }
  let smaller = first
  let larger = first
  for (const other of rest) {
    if (last === 0) return false
    if (isOdd(node) || node === last) {
      smaller = nodeHash(other, smaller)
      larger = nodeHash(other, larger)
      while (!isOdd(node) && node !== 0) {
        node = half(node)
        last = half(last)
      }
    } else {
      larger = nodeHash(larger, other)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && equalOctets(smaller, root1) && equalOctets(larger, root2)
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0
}

function isOdd(number: number): boolean {
  return number % 2 === 1
}

function half(number: number): number {
  return Math.floor(number / 2)
}

function isPowerOfTwo(number: number): boolean {
  let rest = number
  while (rest % 2 === 0) rest /= 2
  return rest === 1
}

/** Paths hold whole hashes, and no more of them than a tree can be high. */
function areHashes(...hashes: readonly Uint8Array[]): boolean {
  return hashes.length <= 2 + 64 && hashes.every((hash) => hash.length === 32)
}
