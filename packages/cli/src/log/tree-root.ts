import { emptyRoot, foldNodes, leafHash, nodeHash, utf8 } from '@keyferry/protocol'

/** The root of a tree of RFC 9162 over leaves that come one by one; keeps one hash for each level. */
export interface TreeRoot {
  readonly size: number
  append(leaf: string): void
  /** 32 octets. */
  root(): Uint8Array
}

export function treeRoot(): TreeRoot {
  let size = 0
  /** Hashes of the perfect subtrees from left to right: one for each bit of `size`. */
  const peaks: Uint8Array[] = []
  return {
    get size() {
      return size
    },
    append(leaf) {
      let hash = leafHash(utf8(leaf))
      for (let bits = size; bits % 2 === 1; bits = Math.floor(bits / 2))
        hash = nodeHash(peaks.pop() as Uint8Array, hash)
      peaks.push(hash)
      size++
    },
    root: () => (peaks.length === 0 ? emptyRoot() : foldNodes(peaks)),
  }
}
