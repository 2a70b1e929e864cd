import { currentCheckpoint, type OpenDevice } from '@keyferry/device'
import {
  equalOctets,
  fromBase64url,
  KeyferryError,
  parseLeaf,
  type Ref,
  type TreeHead,
  tagFor,
  toBase64url,
} from '@keyferry/protocol'
import { type PublicLog, TILE_WIDTH } from './public-log.ts'
import { treeRoot } from './tree-root.ts'

/** A leaf about this device's user, found by reading all. */
export interface OwnLeaf {
  readonly index: number
  readonly typ: string
  readonly ref: Ref
}

export interface VerifiedLog {
  readonly size: number
  /** b64u of the root. */
  readonly root: string
  /** The checkpoint that this device had relied on before, which this one extends; null: it had none. */
  readonly since: number | null
  readonly quorum: number
  readonly own: readonly OwnLeaf[]
}

/** The checkpoint of now, signed by the log and its quorum, extending what this device had seen (PROTOCOL 11). */
export async function checkHead(open: OpenDevice): Promise<{ head: TreeHead; since: number | null }> {
  const since = open.store.seen.state().checkpoint?.size ?? null
  const { size, root } = await currentCheckpoint(open)
  return { head: { size, root: fromBase64url(root) }, since }
}

/**
 * Reads every leaf, as a monitor does: together they must have the root of the checkpoint, and those about the own user are picked out.
 * @throws {KeyferryError} `checkpoint-invalid`, `checkpoint-stale`, `log-inconsistent`
 */
export async function verifyLog(
  open: OpenDevice,
  log: PublicLog,
  progress: (read: number, of: number) => void,
): Promise<VerifiedLog> {
  const { head, since } = await checkHead(open)
  const { origin, user, username, trust } = open.store.seen.state()
  const tags = new Set([tagFor(origin, user), tagFor(origin, username)])
  const tree = treeRoot()
  const own: OwnLeaf[] = []
  for (let tile = 0; tree.size < head.size; tile++) {
    const width = Math.min(TILE_WIDTH, head.size - tile * TILE_WIDTH)
    for (const text of await log.leaves(tile, width)) {
      const leaf = parseLeaf(text)
      if (leaf !== null && tags.has(leaf.tag)) own.push({ index: tree.size, typ: leaf.typ, ref: leaf.ref })
      tree.append(text)
    }
    progress(tree.size, head.size)
  }
  if (!equalOctets(tree.root(), head.root)) {
    throw new KeyferryError('log-inconsistent', 'the leaves that the server shows are not those of its checkpoint')
  }
  return { size: head.size, root: toBase64url(head.root), since, quorum: trust.quorum, own }
}
