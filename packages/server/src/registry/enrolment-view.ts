import {
  b64uShape,
  type EnrolmentId,
  type EpochSeconds,
  idShape,
  type PossessionAnswer,
  PossessionAnswerShape,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { ServerContext } from '../context.ts'
import type { EnrolmentRow, EnrolmentState } from '../store/rows.ts'

/** Body of step 4 (PROTOCOL 3). */
export interface EnrolmentAnswerBody {
  /** b64u of strict JSON. */
  answer: string
  /** HMAC-SHA-256(K2, ASCII(answer)). */
  mac: string
}
export const EnrolmentAnswerBodyShape: z.ZodType<EnrolmentAnswerBody> = z.strictObject({
  answer: b64uShape(),
  mac: b64uShape(32),
})

/** Body of step 5: one answer for each transport key that was challenged. */
export interface EnrolmentProofBody {
  answers: PossessionAnswer[]
}
export const EnrolmentProofBodyShape: z.ZodType<EnrolmentProofBody> = z.strictObject({
  answers: z.array(PossessionAnswerShape).max(64),
})

const STATES = ['open', 'claimed', 'answered', 'proven', 'approved', 'denied', 'expired'] as const
export const EnrolmentStateShape: z.ZodType<EnrolmentState> = z.enum(STATES)

/** Answer to steps 4 and 5 and to a denial. */
export interface EnrolmentStateView {
  state: EnrolmentState
}
export const EnrolmentStateViewShape: z.ZodType<EnrolmentStateView> = z.object({ state: EnrolmentStateShape })

/** `GET /v1/enrolments/{en}`. */
export interface EnrolmentView {
  id: EnrolmentId
  state: EnrolmentState
  expiresAt: EpochSeconds
  username: string
  /** Of step 2. */
  claim?: { statement: string; mac?: string }
  /** The body of step 4. */
  answer?: EnrolmentAnswerBody
  /** The set that the answer names, compact JWS. */
  set?: string
  /** The body of step 5. */
  proof?: EnrolmentProofBody
}
export const EnrolmentViewShape: z.ZodType<EnrolmentView> = z.object({
  id: idShape('en'),
  state: EnrolmentStateShape,
  expiresAt: z.number(),
  username: z.string(),
  claim: z.object({ statement: z.string(), mac: z.string().exactOptional() }).exactOptional(),
  answer: z.object({ answer: z.string(), mac: z.string() }).exactOptional(),
  set: z.string().exactOptional(),
  proof: z.object({ answers: z.array(PossessionAnswerShape) }).exactOptional(),
})

export async function enrolmentView(
  context: Pick<ServerContext, 'read'>,
  enrolment: EnrolmentRow,
  state: EnrolmentState,
): Promise<EnrolmentView> {
  const set = enrolment.set === null ? null : await context.read.statement(enrolment.set)
  return {
    id: enrolment.id,
    state,
    expiresAt: enrolment.expiresAt,
    username: enrolment.username,
    ...(enrolment.claim === null ? {} : { claim: enrolment.claim }),
    ...(enrolment.answer === null ? {} : { answer: enrolment.answer }),
    ...(set === null ? {} : { set: set.text }),
    ...(enrolment.proof === null ? {} : { proof: enrolment.proof as EnrolmentProofBody }),
  }
}
