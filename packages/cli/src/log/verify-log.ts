import type { OpenDevice, TrustState } from '@keyferry/device'
import {
  checkCheckpoint,
  checkConsistency,
  equalOctets,
  fromBase64url,
  KeyferryError,
  parseLeaf,
  parseVkey,
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

/** The checkpoint of now, signed by the log and its quorum, extending what this device has seen (PROTOCOL 11). */
export async function checkHead(open: OpenDevice, log: PublicLog): Promise<{ head: TreeHead; since: number | null }> {
  const { trust, checkpoint } = open.store.seen.state()
  const last = checkpoint === null ? null : headOf(checkpoint)
  const head = await checkCheckpoint(await log.checkpoint(), {
    log: parseVkey(trust.log),
    witnesses: trust.witnesses.map((vkey) => parseVkey(vkey)),
    quorum: trust.quorum,
    last,
    now: open.now(),
    maxAgeSeconds: open.store.rules.find().maxCheckpointAgeSeconds,
  })
  if (last !== null) checkConsistency(last, head, await consistency(open, last.size, head.size))
  return { head, since: last?.size ?? null }
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
  const { head, since } = await checkHead(open, log)
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

function headOf({ size, root }: NonNullable<TrustState['checkpoint']>): TreeHead {
  return { size, root: fromBase64url(root) }
}

async function consistency(open: OpenDevice, from: number, to: number): Promise<readonly string[]> {
  if (from === 0 || from === to) return []
  const answer = await open.client.call({ method: 'GET', path: `/v1/log/consistency?from=${from}&to=${to}` })
  return answer.json<{ path: string[] }>().path
}
