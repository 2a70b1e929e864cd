import { equalOctets } from '#platform'
import { KeyferryError } from '../errors.ts'
import { fromBase64url, utf8 } from '../json/base64url.ts'
import type { InclusionProof } from '../statements/evidence.ts'
import type { TreeHead } from './checkpoint.ts'
import { leafHash, verifyConsistency, verifyInclusion } from './merkle.ts'

/**
 * Whether a leaf, which the verifier has built itself, is in the tree of a checkpoint.
 * @throws {KeyferryError} `proof-invalid`
 */
export function checkInclusion(leaf: string, proof: InclusionProof | undefined, head: TreeHead): void {
  const path = proof && hashes(proof.path)
  if (
    !proof ||
    !path ||
    !verifyInclusion({ index: proof.index, size: head.size, leafHash: leafHash(utf8(leaf)), path, root: head.root })
  ) {
    throw new KeyferryError('proof-invalid', 'the proof does not lead to the checkpoint')
  }
}

/**
 * Whether a log grew from one head to another by appending only. From an empty tree everything grows, and nothing is proved.
 * @param path - RFC 9162 consistency proof, b64u; empty for equal sizes.
 * @throws {KeyferryError} `log-inconsistent`, also if `older` is the larger one.
 */
export function checkConsistency(older: TreeHead, newer: TreeHead, path: readonly string[]): void {
  if (older.size === 0 && newer.size > 0) return
  const octets = hashes(path)
  // verifyConsistency has no word on two empty trees.
  const consistent =
    octets !== null &&
    (older.size === 0
      ? path.length === 0 && equalOctets(older.root, newer.root)
      : verifyConsistency({
          size1: older.size,
          size2: newer.size,
          root1: older.root,
          root2: newer.root,
          path: octets,
        }))
  if (!consistent) throw new KeyferryError('log-inconsistent', 'the log did not only grow')
}

function hashes(path: readonly string[]): Uint8Array[] | null {
  try {
    return path.map(fromBase64url)
  } catch {
    return null
  }
}
