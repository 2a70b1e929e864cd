import * as z from 'zod'
import { type ErrorDetails, KeyferryError } from '../errors.ts'
import { isProblemCode, PROBLEMS, type ProblemCode } from './problems.ts'

/** RFC 9457, Section 3, with `code` = slug, on which clients decide, and the members that PROTOCOL 16 adds in brackets. */
export interface Problem {
  /** `<origin>/problems/<slug>`, or `about:blank` for a 5xx without slug. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly code?: ProblemCode
  readonly stage?: string
  readonly reason?: string
  readonly kind?: string
  readonly left?: number
  readonly max?: number
  readonly state?: string
  readonly check?: string
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

const text = z.string().max(1024)
const ProblemShape: z.ZodType<Problem> = z.object({
  type: text,
  title: text,
  status: z.int().min(400).max(599),
  detail: text.exactOptional(),
  code: z.custom<ProblemCode>((code) => typeof code === 'string' && isProblemCode(code)).exactOptional(),
  stage: text.exactOptional(),
  reason: text.exactOptional(),
  kind: text.exactOptional(),
  left: z.int().exactOptional(),
  max: z.int().exactOptional(),
  state: text.exactOptional(),
  check: text.exactOptional(),
})

/** A problem as a server writes it. The detail carries no input and no secret. */
export function makeProblem(origin: string, code: ProblemCode, details: ErrorDetails = {}, detail?: string): Problem {
  return {
    type: `${origin}/problems/${code}`,
    ...PROBLEMS[code],
    ...(detail === undefined ? {} : { detail }),
    code,
    ...details,
  }
}

/** The problem in the parsed JSON of an answer, unknown members left out; null if it is none that this version knows. */
export function readProblem(json: unknown): Problem | null {
  const result = ProblemShape.safeParse(json)
  return result.success ? result.data : null
}

/** A problem as the error that the caller acts on; one without a slug is `unavailable`. */
export function errorOfProblem(problem: Problem): KeyferryError {
  const { type, title, status, detail, code, ...details } = problem
  return new KeyferryError(code ?? 'unavailable', detail ?? title, details)
}
