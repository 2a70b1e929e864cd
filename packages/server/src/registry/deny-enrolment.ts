import type { EnrolmentId } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { findEnrolment, wrongState } from './enrolment-state.ts'
import type { EnrolmentStateView } from './enrolment-view.ts'
import { type Decided, decideAndCommit } from './unit-of-work.ts'
import { refuseAgent } from './whose.ts'

/** Why an enrolment ends without a device (PROTOCOL 3). */
export interface EnrolmentDenial {
  reason: 'mac-invalid' | 'statement-invalid' | 'possession-failed' | 'declined'
}
export const EnrolmentDenialShape: z.ZodType<EnrolmentDenial> = z.strictObject({
  reason: z.enum(['mac-invalid', 'statement-invalid', 'possession-failed', 'declined']),
})

/**
 * The devices of the user and N may deny, at any time before the set; an administrator calls back an invitation.
 * @throws {KeyferryError} `not-found`, `access-denied`; `state-conflict` once it is approved or expired
 */
export async function denyEnrolment(
  context: ServerContext,
  caller: Caller,
  en: EnrolmentId,
  body: EnrolmentDenial,
): Promise<EnrolmentStateView> {
  return decideAndCommit(context, () => decide(context, caller, en, body))
}

async function decide(
  context: ServerContext,
  caller: Caller,
  en: EnrolmentId,
  body: EnrolmentDenial,
): Promise<Decided<EnrolmentStateView>> {
  const { enrolment, state, isNew } = await findEnrolment(context, caller, en)
  // N's requests are signed by the access key that its statement names; other agents deny nothing.
  if (!isNew) refuseAgent(caller)
  if (state === 'denied') return { changes: [], answer: () => ({ state }) }
  if (state === 'approved' || state === 'expired') throw wrongState(state)
  const row = { ...enrolment, state: 'denied' as const, reason: body.reason, version: enrolment.version + 1 }
  return { changes: [{ kind: 'replace-enrolment', row }], answer: () => ({ state: 'denied' }) }
}
