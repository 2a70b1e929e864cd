import {
  type EnrolmentId,
  type EpochSeconds,
  idShape,
  KeyferryError,
  makeId,
  makePairingCode,
  PAIRING_LIFETIME_SECONDS,
  UserNameShape,
} from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, isAdministrator } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { EnrolmentRow, UserRow } from '../store/rows.ts'
import { codeHashOf } from './enrolment-state.ts'
import { notFound, refuseAgent } from './whose.ts'

/** Body of step 1 (PROTOCOL 3): empty from a paired device, `username` for the first device of somebody. */
export interface EnrolmentRequest {
  username?: string
  /** The name is taken and its user is to be replaced: a lost root is a new user id (PROTOCOL 2.2). */
  replace?: true
}
export const EnrolmentRequestShape: z.ZodType<EnrolmentRequest> = z.strictObject({
  username: UserNameShape.exactOptional(),
  replace: z.literal(true).exactOptional(),
})

export interface EnrolmentOffer {
  id: EnrolmentId
  /** 26 Crockford digits of 128 random bits: `e` of the pairing string. Shown once; the server keeps its hash. */
  code: string
  expiresAt: EpochSeconds
}
export const EnrolmentOfferShape: z.ZodType<EnrolmentOffer> = z.object({
  id: idShape('en'),
  code: z.string(),
  expiresAt: z.number(),
})

/**
 * Step 1. A device invites another one of its user; an administrator invites the first device of anybody, a session that of its own
 * name.
 * @throws {KeyferryError} `malformed`, `not-found`, `access-denied`; `state-conflict` if the name is taken and `replace` not said
 */
export async function createEnrolment(
  context: ServerContext,
  caller: Caller,
  body: EnrolmentRequest,
): Promise<EnrolmentOffer> {
  const whom =
    caller.type === 'device' ? await ownUser(context, caller, body) : await firstDevice(context, caller, body)
  const code = makePairingCode(context.random.octets(16))
  const now = context.clock.now()
  const row: EnrolmentRow = {
    id: makeId('en', context.random.octets(16)),
    codeHash: codeHashOf(code),
    state: 'open',
    ...whom,
    reason: null,
    claim: null,
    claimant: null,
    device: null,
    answer: null,
    set: null,
    proof: null,
    createdAt: now,
    expiresAt: now + PAIRING_LIFETIME_SECONDS,
    version: 1,
  }
  await context.commit([{ kind: 'insert-enrolment', row }])
  return { id: row.id, code, expiresAt: row.expiresAt }
}

type Whom = Pick<EnrolmentRow, 'user' | 'username'>

async function ownUser(
  context: ServerContext,
  caller: Extract<Caller, { type: 'device' }>,
  body: EnrolmentRequest,
): Promise<Whom> {
  refuseAgent(caller)
  if (body.username !== undefined || body.replace !== undefined) {
    throw new KeyferryError('malformed', 'a device invites devices of its own user only')
  }
  const user = await context.read.user(caller.device.user)
  if (user === null || caller.device.state !== 'active') throw notFound()
  return { user: user.id, username: user.username }
}

/**
 * PROTOCOL 1 lets user names be nearly any text. Of new ones this server takes only those of which no two look alike to a person (case,
 * spaces, other alphabets), and which are no option and no path where they are typed.
 */
const PLAIN_NAME = /^[a-z0-9][a-z0-9._@-]*$/
const NOT_PLAIN =
  'a new user name has lower-case letters a to z, digits and . _ - @ only, and begins with a letter or digit'

async function firstDevice(context: ServerContext, caller: Caller, body: EnrolmentRequest): Promise<Whom> {
  if (body.username === undefined) throw new KeyferryError('malformed', 'a first device needs a user name')
  const taken = await context.read.userByName(body.username)
  if (!isAdministrator(caller) && !isOwnName(caller, taken)) throw notFound()
  if (taken === null && !PLAIN_NAME.test(body.username)) throw new KeyferryError('malformed', NOT_PLAIN)
  if (taken !== null && body.replace !== true) {
    throw new KeyferryError('state-conflict', 'somebody has this name already', { state: 'name-taken' })
  }
  return { user: null, username: body.username }
}

function isOwnName(caller: Caller, taken: UserRow | null): boolean {
  return caller.type === 'user' && taken?.id === caller.user
}
