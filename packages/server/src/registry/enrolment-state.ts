import { createHash } from 'node:crypto'
import { type EnrolmentId, type EpochSeconds, KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import { isAdministrator, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { EnrolmentRow, EnrolmentState } from '../store/rows.ts'
import { actsFor, keyidOf, notFound } from './whose.ts'

/** What follows the claim has to be done in this time (PROTOCOL 3). */
export const CLAIMED_SECONDS = 3600

/** The clock ends what is not at its end yet; no row needs to be written for it. */
export function stateAt(enrolment: EnrolmentRow, now: EpochSeconds): EnrolmentState {
  const isOver = enrolment.state === 'approved' || enrolment.state === 'denied'
  return !isOver && now >= enrolment.expiresAt ? 'expired' : enrolment.state
}

/** The server keeps SHA-256 of a code only (PROTOCOL 3): b64u. */
export function codeHashOf(code: string): string {
  return createHash('sha256').update(code, 'ascii').digest('base64url')
}

export interface FoundEnrolment {
  readonly enrolment: EnrolmentRow
  readonly state: EnrolmentState
  /** The caller is N itself: the key that signed the claim, or the device that came of it. */
  readonly isNew: boolean
  /** The caller acts for the user whom the enrolment is for. */
  readonly isOwner: boolean
}

/**
 * Readable by N and the devices of the user; one for a first device, which has no user yet, by an administrator.
 * @throws {KeyferryError} `not-found`
 */
export async function findEnrolment(context: ServerContext, caller: Caller, en: EnrolmentId): Promise<FoundEnrolment> {
  const enrolment = await context.read.enrolment(en)
  if (enrolment === null) throw notFound()
  const isNew =
    (enrolment.claimant !== null && keyidOf(caller) === enrolment.claimant) ||
    (caller.type === 'device' && caller.device.id === enrolment.device)
  const isOwner = enrolment.user !== null && userOf(caller) === enrolment.user && actsFor(caller, enrolment.user)
  if (!isNew && !isOwner && !isAdministrator(caller)) throw notFound()
  return { enrolment, state: stateAt(enrolment, context.clock.now()), isNew, isOwner }
}

/** What a step cannot do in the state that the enrolment is in. */
export function wrongState(state: EnrolmentState): KeyferryError {
  return new KeyferryError('state-conflict', 'the state of the enrolment does not allow this', { state })
}
