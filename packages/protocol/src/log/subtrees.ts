import { nodeHash } from './merkle.ts'

/**
 * Which subtrees a proof is made of, for whoever holds the tree: a range of leaves has the hash MTH(D[start:end]) of RFC 9162.
 * A range that is no perfect subtree folds from perfect ones, which tiles hold.
 */

/** Leaves `start` to `end`, `end` excluded. */
export interface LeafRange {
  readonly start: number
  readonly end: number
}

/** A perfect subtree: leaves `index` * 2^`level` to (`index` + 1) * 2^`level`. Level 0 holds leaf hashes. */
export interface TreeNode {
  readonly level: number
  readonly index: number
}

/** PATH(index, D[size]) of RFC 9162, Section 2.1.3.1, as ranges in the order of the proof. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  if (!(index >= 0 && index < size)) throw new RangeError('the leaf is not in the tree')
  const ranges: LeafRange[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  return ranges.reverse()
}

/** PROOF(size1, D[size2]) of RFC 9162, Section 2.1.4.1, as ranges in the order of the proof; empty for equal sizes. */
export function consistencyRanges(size1: number, size2: number): LeafRange[] {
  if (!(size1 > 0 && size1 <= size2)) throw new RangeError('sizes are not those of a growing tree')
  const ranges: LeafRange[] = []
  let start = 0
  let end = size2
  while (end !== size1) {
    const middle = start + splitOf(end - start)
    if (size1 <= middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  // The verifier knows this one already if it is the whole smaller tree.
  if (start > 0) ranges.push({ start, end })
  return ranges.reverse()
}

/** The perfect subtrees, left to right, that a range of a proof (or a whole tree, from 0) consists of. */
export function nodesOf({ start, end }: LeafRange): TreeNode[] {
  const nodes: TreeNode[] = []
  let at = start
  while (at < end) {
    let level = 0
    let width = 1
    while (at + width * 2 <= end && at % (width * 2) === 0) {
      width *= 2
      level++
    }
    nodes.push({ level, index: at / width })
    at += width
  }
  return nodes
}

/** The hash of a range from those of `nodesOf(range)`, left to right; at least one. */
export function foldNodes(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) throw new RangeError('a range has a node')
  return hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** The largest power of two below `count` (>= 2). */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}
