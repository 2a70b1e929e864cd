import { type EnrolmentId, KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { EnrolmentRow } from '../store/rows.ts'
import { findEnrolment, wrongState } from './enrolment-state.ts'
import type { EnrolmentProofBody, EnrolmentStateView } from './enrolment-view.ts'
import { type Decided, decideAndCommit, done, type Put } from './unit-of-work.ts'
import { notFound } from './whose.ts'

/**
 * Step 5, once: N answers the challenges under its transport keys (PROTOCOL 3). Whether the answers are right only A can tell, who
 * made the challenges.
 * @throws {KeyferryError} `malformed`, `not-found`; `state-conflict` if there is no answer yet or another proof
 */
export async function proveEnrolment(
  context: ServerContext,
  caller: Caller,
  en: EnrolmentId,
  body: EnrolmentProofBody,
): Promise<Put<EnrolmentStateView>> {
  if (new Set(body.answers.map((one) => one.kid)).size !== body.answers.length) {
    throw new KeyferryError('malformed', 'a key is answered for twice')
  }
  return decideAndCommit(context, () => decide(context, caller, en, body))
}

async function decide(
  context: ServerContext,
  caller: Caller,
  en: EnrolmentId,
  body: EnrolmentProofBody,
): Promise<Decided<Put<EnrolmentStateView>>> {
  const { enrolment, state, isNew } = await findEnrolment(context, caller, en)
  if (!isNew) throw notFound()
  if (enrolment.proof !== null && isSame(enrolment.proof, body)) return done({ state })
  if (state !== 'answered') throw wrongState(state)
  const proof = { answers: body.answers.map(({ kid, mac }) => ({ kid, mac })) }
  const row = { ...enrolment, state: 'proven' as const, proof, version: enrolment.version + 1 }
  return {
    changes: [{ kind: 'replace-enrolment', row }],
    answer: () => ({ view: { state: 'proven' }, created: true }),
  }
}

function isSame(proof: NonNullable<EnrolmentRow['proof']>, body: EnrolmentProofBody): boolean {
  const before = proof.answers
  return (
    before.length === body.answers.length &&
    body.answers.every((one, i) => one.kid === before[i]?.kid && one.mac === before[i]?.mac)
  )
}
