import { type KeyId, KeyIdShape, ownerOf } from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { KeyRow } from '../store/rows.ts'
import { liveGrantOf } from '../transfers/grants.ts'
import { type KeyView, KeyViewShape, keyView } from './key-view.ts'
import type { Page } from './list-users.ts'
import { isPartyOf } from './parties.ts'
import type { Versioned } from './precondition.ts'
import { actsFor, notFound } from './whose.ts'

/**
 * `GET /v1/keys/{key id}`: for its owner, the grantees who may order it, and the parties of its deliveries. What the owner calls it
 * is told to a party only once something is released to him: AC1 permits a request, the owner may never have heard of it.
 * @throws {KeyferryError} `not-found`, also for a withdrawn key
 */
export async function getKey(context: ServerContext, caller: Caller, id: KeyId): Promise<Versioned<KeyView>> {
  const key = await context.read.key(id)
  if (key === null || key.withdrawn) throw notFound()
  if (await isTold(context, caller, key)) return { view: keyView(key), version: key.version }
  if (!(await isPartyOf(context, caller, (delivery) => delivery.keyId === key.id))) throw notFound()
  return { view: keyView({ ...key, label: null }), version: key.version }
}

async function isTold(context: ServerContext, caller: Caller, key: KeyRow): Promise<boolean> {
  if (actsFor(caller, ownerOf(key.id))) return true
  const grantee =
    caller.type === 'application' ? caller.application.id : caller.type === 'device' ? caller.device.id : null
  if (grantee !== null && (await liveGrantOf(context, key, grantee)) !== null) return true
  return isPartyOf(context, caller, (delivery) => delivery.keyId === key.id && delivery.releasedAt !== null)
}

export interface KeyList {
  items: KeyView[]
  /** Give it as `after` for the next page. */
  next?: KeyId
}
export const KeyListShape: z.ZodType<KeyList> = z.object({
  items: z.array(KeyViewShape),
  next: KeyIdShape.exactOptional(),
})

/**
 * The keys of the caller's own user that are not withdrawn.
 * @throws {KeyferryError} `not-found` for whoever has no user
 */
export async function listKeys(context: ServerContext, caller: Caller, page: Page<KeyId>): Promise<KeyList> {
  const user = userOf(caller)
  if (user === null || !actsFor(caller, user)) throw notFound()
  const rows = await context.read.keysOf(user, page.limit + 1, page.after)
  const shown = rows.slice(0, page.limit)
  const last = shown.at(-1)
  return {
    items: shown.filter((row) => !row.withdrawn).map(keyView),
    ...(rows.length > shown.length && last !== undefined ? { next: last.id } : {}),
  }
}
