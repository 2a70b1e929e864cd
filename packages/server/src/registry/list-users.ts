import { type DeviceId, type EpochSeconds, ThumbprintShape, type UserId } from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, isAdministrator } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { UserRow } from '../store/rows.ts'
import { type DeviceStateWord, DeviceStateWordShape, deviceStateOf } from './devices.ts'
import { notFound } from './whose.ts'

/** What an administrator sees of everybody. */
export interface UserListItem {
  user: UserId
  username: string
  admin: boolean
  createdAt: EpochSeconds
  devices: { id: DeviceId; kind: string; state: DeviceStateWord }[]
}
export interface UserList {
  items: UserListItem[]
  /** Give it as `after` for the next page. */
  next?: UserId
}
export const UserListShape: z.ZodType<UserList> = z.object({
  items: z.array(
    z.object({
      user: ThumbprintShape,
      username: z.string(),
      admin: z.boolean(),
      createdAt: z.number(),
      devices: z.array(z.object({ id: ThumbprintShape, kind: z.string(), state: DeviceStateWordShape })),
    }),
  ),
  next: ThumbprintShape.exactOptional(),
})

export interface Page<Cursor> {
  /** 1..200 (PROTOCOL 4). */
  readonly limit: number
  readonly after?: Cursor
}

/** @throws {KeyferryError} `not-found` for whoever is no administrator. */
export async function listUsers(context: ServerContext, caller: Caller, page: Page<UserId>): Promise<UserList> {
  if (!isAdministrator(caller)) throw notFound()
  const users = await context.read.users(page.limit + 1, page.after)
  const shown = users.slice(0, page.limit)
  const items = await Promise.all(shown.map((user) => itemOf(context, user)))
  const last = shown.at(-1)
  return { items, ...(users.length > shown.length && last !== undefined ? { next: last.id } : {}) }
}

async function itemOf(context: ServerContext, user: UserRow): Promise<UserListItem> {
  const devices = await context.read.devicesOf(user.id)
  return {
    user: user.id,
    username: user.username,
    admin: user.admin,
    createdAt: user.createdAt,
    devices: devices.map((device) => ({ id: device.id, kind: device.kind, state: deviceStateOf(device) })),
  }
}
