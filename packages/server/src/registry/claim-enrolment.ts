import {
  b64uShape,
  checkDeviceStatement,
  type DevicePayload,
  deviceStatement,
  type EnrolmentId,
  idShape,
  KeyferryError,
  namedThumbprint,
  readStatement,
  refOf,
  type Statement,
  splitCompact,
  thumbprint,
  type UserId,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { EnrolmentRow } from '../store/rows.ts'
import { asCheckOf } from '../transfers/check-error.ts'
import { CLAIMED_SECONDS, codeHashOf, stateAt } from './enrolment-state.ts'
import { firstDeviceChanges, readFirstSet } from './first-device.ts'
import { requireNewKeys, rolesOf } from './key-roles.ts'
import { requireInTime, STATEMENT_TIMES } from './lifetime.ts'
import { tellDevices } from './tell-devices.ts'
import { type Decided, decideAndCommit, done, type Put } from './unit-of-work.ts'
import { keyidOf, notFound } from './whose.ts'

/** Body of step 2 (PROTOCOL 3): `mac` from a device that was given the user's root id, `set` from a first device. */
export interface EnrolmentClaim {
  code: string
  /** N's device statement, compact JWS. */
  statement: string
  set?: string
  mac?: string
}
export const EnrolmentClaimShape: z.ZodType<EnrolmentClaim> = z.strictObject({
  code: z.string().regex(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/),
  statement: z.string().max(65_536),
  set: z.string().max(262_144).exactOptional(),
  mac: b64uShape(32).exactOptional(),
})

export interface EnrolmentClaimView {
  id: EnrolmentId
  username: string
}
export const EnrolmentClaimViewShape: z.ZodType<EnrolmentClaimView> = z.object({
  id: idShape('en'),
  username: z.string(),
})

/**
 * Step 2: a new device takes the enrolment that it holds the code of. The request is signed by the `access` key of the statement, or
 * if it has none by its `jwk`. A first device brings its set and is enrolled at once.
 * @throws {KeyferryError} `not-found` for a code that is wrong, expired or used; `signature-invalid`, `malformed`;
 *   `statement-rollback`; `statement-invalid` with `check`; `state-conflict` if the name was taken meanwhile
 */
export async function claimEnrolment(
  context: ServerContext,
  caller: Caller,
  body: EnrolmentClaim,
): Promise<Put<EnrolmentClaimView>> {
  return decideAndCommit(context, () => decide(context, caller, body))
}

async function decide(
  context: ServerContext,
  caller: Caller,
  body: EnrolmentClaim,
): Promise<Decided<Put<EnrolmentClaimView>>> {
  const enrolment = await context.read.enrolmentByCode(codeHashOf(body.code))
  const state = enrolment === null ? null : stateAt(enrolment, context.clock.now())
  if (enrolment === null || state === 'expired' || state === 'denied') throw notFound()
  const view = { id: enrolment.id, username: enrolment.username }
  if (state !== 'open') {
    if (isSameClaim(enrolment, caller, body)) return done(view)
    throw notFound()
  }
  if (
    (enrolment.user === null) !== (body.set !== undefined) ||
    (enrolment.user === null) === (body.mac !== undefined)
  ) {
    throw new KeyferryError('malformed', 'a first device claims with its set, any other with a mac')
  }
  const changes =
    enrolment.user === null
      ? await firstClaim(context, caller, enrolment, body)
      : await laterClaim(context, caller, enrolment, enrolment.user, body)
  return { changes, answer: () => ({ view, created: true }) }
}

/** The same again from the same key (PROTOCOL 4): the answer got lost on its way. */
function isSameClaim(enrolment: EnrolmentRow, caller: Caller, body: EnrolmentClaim): boolean {
  const { claim, claimant } = enrolment
  if (claim === null || claimant === null || keyidOf(caller) !== claimant) return false
  if (claim.statement !== body.statement || claim.mac !== body.mac) return false
  const set = body.set === undefined ? null : refOf(splitCompact(body.set, 'malformed'))
  return set === (enrolment.user === null ? enrolment.set : null)
}

async function firstClaim(
  context: ServerContext,
  caller: Caller,
  enrolment: EnrolmentRow,
  body: EnrolmentClaim,
): Promise<readonly Change[]> {
  const set = await readFirstSet(context, body.set ?? '')
  const statement = await readClaim(context, caller, set.payload.user, body.statement)
  return firstDeviceChanges(context, claimed(enrolment, caller, body, statement), set, statement)
}

async function laterClaim(
  context: ServerContext,
  caller: Caller,
  enrolment: EnrolmentRow,
  user: UserId,
  body: EnrolmentClaim,
): Promise<readonly Change[]> {
  const statement = await readClaim(context, caller, user, body.statement)
  await requireNewKeys(context, rolesOf(statement.payload))
  const expiresAt = context.clock.now() + CLAIMED_SECONDS
  const row: EnrolmentRow = { ...claimed(enrolment, caller, body, statement), state: 'claimed', expiresAt }
  const devices = await context.read.devicesOf(user)
  const active = devices.filter((device) => device.state === 'active').map((device) => device.id)
  return [
    { kind: 'replace-enrolment', row },
    ...tellDevices(context, active, 'enrolment-claimed', { enrolment: enrolment.id, expiresAt }),
  ]
}

function claimed(
  enrolment: EnrolmentRow,
  caller: Caller,
  body: EnrolmentClaim,
  statement: Statement<DevicePayload>,
): EnrolmentRow {
  return {
    ...enrolment,
    claim: { statement: body.statement, ...(body.mac === undefined ? {} : { mac: body.mac }) },
    claimant: keyidOf(caller),
    device: thumbprint(statement.payload.jwk),
    version: enrolment.version + 1,
  }
}

async function readClaim(
  context: ServerContext,
  caller: Caller,
  user: UserId,
  text: string,
): Promise<Statement<DevicePayload>> {
  const statement = await asCheckOf('statement-invalid', async () => readStatement(deviceStatement, text))
  const { payload } = statement
  const signer = payload.access === undefined ? thumbprint(payload.jwk) : namedThumbprint(payload.access)
  if (keyidOf(caller) !== signer) throw new KeyferryError('signature-invalid', 'the claim is not signed by its own key')
  if (payload.seq !== 1) throw new KeyferryError('statement-rollback', 'the seq of a first statement is 1')
  await asCheckOf('statement-invalid', async () => {
    await checkDeviceStatement(statement, { origin: context.origin, user })
    requireInTime(payload, context.clock.now(), STATEMENT_TIMES)
  })
  return statement
}
