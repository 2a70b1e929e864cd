import type { EnrolmentId } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { findEnrolment } from './enrolment-state.ts'
import { type EnrolmentView, enrolmentView } from './enrolment-view.ts'

export interface EnrolmentReading {
  readonly view: EnrolmentView
  /** Another text whenever the view is another one: for an `ETag`. */
  readonly tag: string
}

/**
 * `GET /v1/enrolments/{en}` (PROTOCOL 3), for N and the devices of the user.
 * @throws {KeyferryError} `not-found`
 */
export async function getEnrolment(context: ServerContext, caller: Caller, en: EnrolmentId): Promise<EnrolmentReading> {
  const { enrolment, state } = await findEnrolment(context, caller, en)
  return { view: await enrolmentView(context, enrolment, state), tag: `${enrolment.version}-${state}` }
}
