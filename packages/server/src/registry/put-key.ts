import { KeyferryError, type KeyId, ownerOf, type UserId } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { KeyRow } from '../store/rows.ts'
import { type KeyBody, type KeyView, keyView } from './key-view.ts'
import { type Precondition, requireVersion, type Versioned } from './precondition.ts'
import { decideAndCommit, type Put } from './unit-of-work.ts'
import { notFound, refuseAgent, requireActsFor } from './whose.ts'

/**
 * `PUT /v1/keys/{key id}`: the catalogue entry of a key, made or changed by its owner (PROTOCOL 15). A renewed key has a greater
 * generation; none goes back (PROTOCOL 10).
 * @throws {KeyferryError} `not-found`, `access-denied`, `precondition-failed`; `state-conflict` if the generation would go back or the
 *   key is withdrawn; `malformed` if a source is no device of the owner
 */
export async function putKey(
  context: ServerContext,
  caller: Caller,
  id: KeyId,
  body: KeyBody,
  precondition: Precondition,
): Promise<Put<KeyView> & Versioned<KeyView>> {
  const owner = ownerOf(id)
  requireActsFor(caller, owner)
  refuseAgent(caller)
  return decideAndCommit(context, async () => {
    const [user, stored] = await Promise.all([context.read.user(owner), context.read.key(id)])
    if (user === null) throw notFound()
    requireVersion(precondition, stored)
    requireGoesOn(stored, body)
    await requireSources(context, owner, body)
    const row = rowOf(id, owner, body, (stored?.version ?? 0) + 1)
    return {
      changes: [{ kind: stored === null ? 'insert-key' : 'replace-key', row }],
      answer: () => ({ view: keyView(row), version: row.version, created: stored === null }),
    }
  })
}

function requireGoesOn(stored: KeyRow | null, body: KeyBody): void {
  if (stored === null) return
  if (stored.withdrawn) throw new KeyferryError('state-conflict', 'the key is withdrawn', { state: 'withdrawn' })
  if (body.generation < stored.generation) {
    throw new KeyferryError('state-conflict', 'a generation only grows', { state: `generation ${stored.generation}` })
  }
}

async function requireSources(context: ServerContext, owner: UserId, body: KeyBody): Promise<void> {
  const devices = await context.read.devicesOf(owner)
  const active = new Set<string>(devices.filter((device) => device.state === 'active').map((device) => device.id))
  if (body.sources.some((source) => !active.has(source))) {
    throw new KeyferryError('malformed', 'a source is no device of the owner')
  }
}

function rowOf(id: KeyId, owner: UserId, body: KeyBody, version: number): KeyRow {
  return {
    id,
    owner,
    class: body.class,
    type: body.type,
    generation: body.generation,
    sources: body.sources,
    usages: body.usages ?? null,
    username: body.username ?? null,
    container: body.container ?? null,
    label: body.label ?? null,
    validFrom: body.validFrom ?? null,
    validUntil: body.validUntil ?? null,
    withdrawn: false,
    version,
  }
}
