import {
  type CheckSlug,
  type ErrorCode,
  type ErrorDetails,
  isProblemCode,
  KeyferryError,
  makeProblem,
  type Problem,
  type ProblemCode,
} from '@keyferry/protocol'

/** What an error becomes on the wire. */
export interface ProblemAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly problem: Problem
  /** Nobody foresaw it: the log gets the cause, the asker nothing but 500. */
  readonly unforeseen: boolean
}

/**
 * The problem that carries a slug of PROTOCOL 9 as its `check` (PROTOCOL 16). `null`: only devices make this check, so the server
 * has a bug if it says so.
 */
const CARRIERS: Record<Exclude<CheckSlug, ProblemCode>, ProblemCode | null> = {
  'alg-not-allowed': 'envelope-invalid',
  'already-installed': null,
  'binding-mismatch': 'envelope-invalid',
  'checkpoint-invalid': 'malformed',
  'checkpoint-stale': 'unavailable',
  declined: null,
  'directory-mismatch': null,
  'envelope-expired': 'envelope-invalid',
  'envelope-malformed': 'envelope-invalid',
  'exposure-too-low': 'envelope-invalid',
  'generation-old': null,
  'grant-exceeded': 'order-invalid',
  'key-absent': null,
  'key-in-use': 'statement-invalid',
  'key-mismatch': null,
  'key-not-exportable': null,
  'kti-invalid': null,
  'log-inconsistent': null,
  'mac-invalid': null,
  'order-expired': 'order-invalid',
  'order-mismatch': 'order-invalid',
  'order-missing': 'envelope-invalid',
  'owner-untrusted': null,
  'pin-conflict': null,
  'possession-failed': null,
  'proof-invalid': null,
  'public-key-invalid': 'statement-invalid',
  'response-invalid': null,
  'secret-unknown': null,
  'set-expired': 'statement-invalid',
  'set-invalid': 'statement-invalid',
  'source-not-listed': null,
  'statement-expired': 'statement-invalid',
  'store-failed': 'unavailable',
  superseded: 'delivery-closed',
  'target-untrusted': null,
  'transport-key-expired': 'envelope-invalid',
  'transport-key-foreign': 'envelope-invalid',
  'transport-key-unknown': 'envelope-invalid',
  'unwrap-failed': null,
  'user-ambiguous': null,
}

/** Refusals of fastify's own that a request can cause. */
const FRAMEWORK: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed',
  FST_ERR_NOT_FOUND: 'not-found',
}

const DEFAULT_RETRY_SECONDS = 30

/**
 * RFC 9457 and PROTOCOL 16. What nobody foresaw says nothing but 500.
 * @param maxBytes - limit of the route, shown when content is too large.
 */
export function toProblem(origin: string, error: unknown, maxBytes: number): ProblemAnswer {
  const known = knownError(error, maxBytes)
  if (known === null) {
    const problem: Problem = { type: 'about:blank', title: 'Internal Server Error', status: 500 }
    return { status: 500, headers: {}, problem, unforeseen: true }
  }
  const { retryAfter, ...members } = known.details
  const problem = makeProblem(origin, known.code, members, known.message)
  const again = problem.status === 429 || problem.status === 503
  const headers: Record<string, string> = again ? { 'retry-after': String(retryAfter ?? DEFAULT_RETRY_SECONDS) } : {}
  return { status: problem.status, headers, problem, unforeseen: false }
}

interface Known {
  readonly code: ProblemCode
  readonly message: string
  readonly details: ErrorDetails
}

function knownError(error: unknown, maxBytes: number): Known | null {
  if (error instanceof KeyferryError) {
    const { code, message, details } = error
    if (isProblemCode(code)) return { code, message, details }
    const carrier = carrierOf(code)
    return carrier === null ? null : { code: carrier, message, details: { ...details, check: code } }
  }
  const code = frameworkCode(error)
  if (code === undefined) return null
  // The framework's own texts may repeat what was sent.
  return { code, message: 'the request was refused', details: code === 'too-large' ? { max: maxBytes } : {} }
}

function carrierOf(code: Exclude<ErrorCode, ProblemCode>): ProblemCode | null {
  return CARRIERS[code]
}

function frameworkCode(error: unknown): ProblemCode | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && Object.hasOwn(FRAMEWORK, code) ? FRAMEWORK[code] : undefined
}
