import {
  type EnrolmentId,
  KeyferryError,
  readEnrolmentAnswer,
  refOf,
  splitCompact,
  withErrorCode,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { findEnrolment, wrongState } from './enrolment-state.ts'
import type { EnrolmentAnswerBody, EnrolmentStateView } from './enrolment-view.ts'
import { type Decided, decideAndCommit, done, type Put } from './unit-of-work.ts'
import { notFound, refuseAgent } from './whose.ts'

/**
 * Step 4: a device of the user answers N (PROTOCOL 3). Only N can check the mac; the server checks what it can, so that N is not
 * given an answer about another statement or an old set.
 * @throws {KeyferryError} `malformed`, `not-found`, `access-denied`; `state-conflict` if another answer was given, or the set is not
 *   the user's newest
 */
export async function answerEnrolment(
  context: ServerContext,
  caller: Caller,
  en: EnrolmentId,
  body: EnrolmentAnswerBody,
): Promise<Put<EnrolmentStateView>> {
  return decideAndCommit(context, () => decide(context, caller, en, body))
}

async function decide(
  context: ServerContext,
  caller: Caller,
  en: EnrolmentId,
  body: EnrolmentAnswerBody,
): Promise<Decided<Put<EnrolmentStateView>>> {
  const { enrolment, state, isNew, isOwner } = await findEnrolment(context, caller, en)
  if (!isOwner || isNew || caller.type !== 'device') throw notFound()
  refuseAgent(caller)
  // Whose it is comes before its form (PROTOCOL 4).
  const content = withErrorCode('malformed', () => readEnrolmentAnswer(body.answer))
  const given = enrolment.answer
  if (given !== null && given.answer === body.answer && given.mac === body.mac) return done({ state })
  if (state !== 'claimed' || enrolment.claim === null) throw wrongState(state)
  const statement = refOf(splitCompact(enrolment.claim.statement, 'malformed'))
  if (content.en !== en || content.statement !== statement) {
    throw new KeyferryError('malformed', 'the answer is about another enrolment or statement')
  }
  const user = await context.read.user(caller.device.user)
  if (user?.setRef !== content.set) {
    throw new KeyferryError('state-conflict', 'the answer names a set that is not the newest', { state })
  }
  const row = {
    ...enrolment,
    state: 'answered' as const,
    answer: { answer: body.answer, mac: body.mac },
    set: content.set,
    version: enrolment.version + 1,
  }
  return {
    changes: [{ kind: 'replace-enrolment', row }],
    answer: () => ({ view: { state: 'answered' }, created: true }),
  }
}
