import { type KeyId, ownerOf } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { KeyRow } from '../store/rows.ts'
import { withdrawChanges } from '../transfers/withdraw.ts'
import { type Precondition, requireVersion } from './precondition.ts'
import { decideAndCommit } from './unit-of-work.ts'
import { notFound, refuseAgent, requireActsFor } from './whose.ts'

/**
 * `DELETE /v1/keys/{key id}`: the key is withdrawn, for good, and with it its open deliveries (row 14 of PROTOCOL 5). Again: nothing
 * happens. What devices hold they keep.
 * @throws {KeyferryError} `not-found`, `access-denied`, `precondition-failed`
 */
export async function withdrawKey(
  context: ServerContext,
  caller: Caller,
  id: KeyId,
  precondition: Precondition | null,
): Promise<void> {
  requireActsFor(caller, ownerOf(id))
  refuseAgent(caller)
  return decideAndCommit(context, async () => {
    const stored = await context.read.key(id)
    if (stored === null) throw notFound()
    if (stored.withdrawn) return { changes: [], answer: () => undefined }
    if (precondition !== null) requireVersion(precondition, stored)
    const row: KeyRow = { ...stored, withdrawn: true, version: stored.version + 1 }
    return {
      changes: [{ kind: 'replace-key', row }, ...(await withdrawChanges(context, { key: id }, 'key-withdrawn'))],
      answer: () => undefined,
    }
  })
}
