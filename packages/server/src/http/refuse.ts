import { acceptSignature, PROBLEM_MEDIA_TYPE } from '@keyferry/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { EventLog } from '../observability/event-log.ts'
import type { Clock } from '../ports.ts'
import type { Challenges } from './challenges.ts'
import { toProblem } from './problem.ts'

export interface RefusalParts {
  readonly origin: string
  readonly clock: Clock
  readonly challenges: Challenges
  readonly log: Pick<EventLog, 'error'>
}

/** Signature faults that a device without a clock may have: it gets a nonce that replaces the time check (PROTOCOL 4). */
const CHALLENGED: ReadonlySet<string | undefined> = new Set(['signature-missing', 'signature-expired'])

/** Answers with the problem that an error is (problem.ts). A faulty body is refused only to whom the thing belongs. */
export async function refuse(
  parts: RefusalParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { bodyLimit, config } = request.routeOptions
  const isFormFault = error instanceof Error && 'validationContext' in error && error.validationContext !== 'params'
  const cause =
    isFormFault && config?.whose !== undefined ? await whoseFault(() => config.whose?.(request), error) : error
  const { status, headers, problem, unforeseen } = toProblem(parts.origin, cause, bodyLimit)
  if (unforeseen) {
    parts.log.error('request-failed', { method: request.method, route: config?.url ?? '/', error: cause })
  }
  if (CHALLENGED.has(problem.code)) {
    reply.header('accept-signature', acceptSignature(parts.challenges.make(parts.clock.now())))
  }
  reply.code(status).headers(headers).header('content-type', PROBLEM_MEDIA_TYPE)
  // With a serializer of its own the media type goes out as it is written here.
  return reply.serializer(JSON.stringify).send(problem)
}

async function whoseFault(whose: () => Promise<unknown> | undefined, otherwise: unknown): Promise<unknown> {
  try {
    await whose()
    return otherwise
  } catch (error) {
    return error
  }
}
