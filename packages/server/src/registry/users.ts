import { type DeviceId, type Ref, ThumbprintShape, type UserId } from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { UserRow } from '../store/rows.ts'
import { userStatementOf } from '../transfers/certificates.ts'
import { mayLookUpPeople } from './lookup-policy.ts'
import { actsFor, notFound } from './whose.ts'

/** `GET /v1/users/{id}`, `GET /v1/users?name=`: refs of the statements that count now. Everything here is a hint (PROTOCOL 2, 3). */
export interface UserView {
  user: UserId
  username?: string
  /** ref of the newest set. */
  set: Ref
  /** ref of the newest `kf-user` that is in time. */
  userStatement?: Ref
  /** Those in the newest set. */
  devices: { id: DeviceId; statement: Ref }[]
}
export const UserViewShape: z.ZodType<UserView> = z.object({
  user: ThumbprintShape,
  username: z.string().exactOptional(),
  set: ThumbprintShape,
  userStatement: ThumbprintShape.exactOptional(),
  devices: z.array(z.object({ id: ThumbprintShape, statement: ThumbprintShape })),
})

/** @throws {KeyferryError} `not-found`: unknown and forbidden have the same answer at the same cost. */
export async function getUser(context: ServerContext, caller: Caller, id: UserId): Promise<UserView> {
  return viewFor(context, caller, await context.read.user(id), id)
}

/**
 * By exact name: nothing lists people.
 * @throws {KeyferryError} `not-found`: unknown and forbidden have the same answer at the same cost.
 */
export async function findUserByName(context: ServerContext, caller: Caller, name: string): Promise<UserView> {
  const user = await context.read.userByName(name)
  return viewFor(context, caller, user, user?.id ?? NOBODY)
}

/** A root id that is nobody's: what is read under it costs as much as for somebody. */
const NOBODY = 'A'.repeat(43) as UserId

async function viewFor(context: ServerContext, caller: Caller, user: UserRow | null, id: UserId): Promise<UserView> {
  // Read before it is decided, for whoever asks: the time of an answer tells nothing.
  const [devices, certificate] = await Promise.all([context.read.devicesOf(id), userStatementOf(context, id)])
  const isOwn = userOf(caller) === id
  if (user === null || !(isOwn ? actsFor(caller, id) : mayLookUpPeople(caller))) throw notFound()
  return {
    user: user.id,
    // A user whose name was given to another one is called by his id: that is no name.
    ...(user.username === user.id ? {} : { username: user.username }),
    set: user.setRef,
    ...(certificate === null ? {} : { userStatement: certificate }),
    devices: devices
      .filter((device) => device.state === 'active')
      .map((device) => ({ id: device.id, statement: device.statementRef })),
  }
}
