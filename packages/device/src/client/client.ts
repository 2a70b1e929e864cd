import {
  contentDigest,
  type EpochSeconds,
  errorOfProblem,
  KeyferryError,
  type PublicSigningJwk,
  readProblem,
  readStrictly,
  requestBinding,
  type Signer,
  signRequest,
  type Thumbprint,
  toBase64url,
  utf8,
  verifyResponse,
} from '@keyferry/protocol'
import * as z from 'zod'
import { ANSWER_TIMES, type HttpResponse, type Transport } from './transport.ts'

/** A stream says something every 15 s (PROTOCOL 12): after three of these it is dead. */
const STREAM_SILENCE_MILLISECONDS = 45_000
/** The longest that there is: a clock that is behind is good for as long as the answers to it are believed (PROTOCOL 4). */
const REQUEST_LIFETIME_SECONDS = 300
/** How far ahead of the server's clock a request may be signed (PROTOCOL 4). */
const MAX_AHEAD_SECONDS = 60

export interface ClientOptions {
  readonly origin: string
  readonly transport: Transport
  readonly signer: Signer
  /** The server keys of the trust file, by id; null for one that is not in it. */
  readonly serverKey: (kid: Thumbprint) => PublicSigningJwk | null
  readonly now: () => EpochSeconds
  readonly random: (count: number) => Uint8Array
  /** Hears when an answer was signed that was believed. */
  readonly answeredAt?: (created: EpochSeconds) => void
}

export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Path and query under the origin. */
  readonly path: string
  readonly json?: unknown
  readonly jose?: {
    readonly octets: Uint8Array
    readonly type: 'application/jose' | 'application/jose+json' | 'application/json'
  }
  readonly text?: { readonly octets: Uint8Array; readonly type: 'text/plain' }
  readonly headers?: Readonly<Record<string, string>>
  /** How long the server may hold the request until there is something new, seconds. */
  readonly waitSeconds?: number
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly content: Uint8Array
  header(name: string): string | undefined
  /**
   * JSON of the body, of this shape; unknown members are ignored (PROTOCOL 1).
   * @throws {KeyferryError} `response-invalid`
   */
  json<T>(shape: z.ZodType<T>): T
}

/**
 * Signed requests and verified answers (PROTOCOL 4). An answer is believed only under a server key of the trust file and bound to this
 * very request.
 */
export interface Client {
  readonly origin: string
  /**
   * @throws {KeyferryError} `response-invalid` for an answer not to be believed; else the code of the problem that the server answers.
   * @throws {UnreachableError}
   */
  call(call: Call): Promise<Answer>
  /** Opens a stream whose first answer was verified; its events are JWS each for itself. */
  stream(call: Call): Promise<AsyncIterable<Uint8Array>>
}

export function client(options: ClientOptions): Client {
  async function prepare(call: Call): Promise<Prepared> {
    const url = options.origin + call.path
    const given = call.jose ?? call.text
    const content = given?.octets ?? (call.json === undefined ? null : utf8(JSON.stringify(call.json)))
    const headers: Record<string, string> = { ...call.headers }
    if (content !== null) {
      headers['content-type'] = given?.type ?? 'application/json'
      headers['content-digest'] = contentDigest(content)
    }
    if (call.waitSeconds !== undefined) headers.prefer = `wait=${call.waitSeconds}`
    const signature = await signRequest(
      options.signer,
      { method: call.method, targetUri: url, headers: (name) => headers[name] },
      { now: options.now(), nonce: toBase64url(options.random(16)), lifetimeSeconds: REQUEST_LIFETIME_SECONDS },
    )
    return { url, content, headers: { ...headers, ...signature } }
  }

  /** @param content - null for a stream, whose events prove themselves. */
  async function verify(
    call: Call,
    sent: Prepared,
    response: Pick<HttpResponse, 'status' | 'header'>,
    content: Uint8Array | null,
  ): Promise<EpochSeconds> {
    const { created } = await verifyResponse(
      { status: response.status, headers: (name) => response.header(name), content },
      requestBinding({ method: call.method, targetUri: sent.url, headers: (name) => sent.headers[name] }),
      options.serverKey,
      options.now(),
    )
    options.answeredAt?.(created)
    return created
  }

  return {
    origin: options.origin,
    async call(call) {
      const sent = await prepare(call)
      const held = 1000 * (call.waitSeconds ?? 0)
      const response = await options.transport.send({
        ...sent,
        method: call.method,
        timeoutMilliseconds: ANSWER_TIMES.timeoutMilliseconds + held,
        deadlineMilliseconds: ANSWER_TIMES.deadlineMilliseconds + held,
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      })
      const created = await verify(call, sent, response, response.content)
      if (response.status >= 400) throw withSkew(problemOf(response), options.now() - created)
      return answer(response)
    },
    async stream(call) {
      const sent = await prepare(call)
      const response = await options.transport.open({
        ...sent,
        method: call.method,
        ...ANSWER_TIMES,
        timeoutMilliseconds: STREAM_SILENCE_MILLISECONDS,
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      })
      await verify(call, sent, response, null)
      if (response.status !== 200) throw new KeyferryError('unavailable', 'the server opens no stream now')
      return response.chunks
    },
  }
}

interface Prepared {
  readonly url: string
  readonly content: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
}

function answer(response: HttpResponse): Answer {
  return {
    status: response.status,
    content: response.content,
    header: (name) => response.header(name),
    json: (shape) => readStrictly(shape, response.content, 'response-invalid'),
  }
}

/** The problem that the server signed, as the error that it names (PROTOCOL 16). */
function problemOf(response: HttpResponse): KeyferryError {
  const retryAfter = Number(response.header('retry-after'))
  const wait = Number.isSafeInteger(retryAfter) && retryAfter > 0 ? { retryAfter } : {}
  const problem = readProblem(answer(response).json(z.unknown()))
  if (problem === null) return new KeyferryError('unavailable', `the server answered ${response.status}`, wait)
  const error = errorOfProblem(problem)
  return new KeyferryError(error.code, error.message, { ...error.details, ...wait })
}

/** A request signed too far ahead says no more than that the clocks differ: by how much, the answer shows. */
function withSkew(error: KeyferryError, skewSeconds: number): KeyferryError {
  if (error.code !== 'signature-expired' || skewSeconds < MAX_AHEAD_SECONDS) return error
  const why = `your clock is ${skewSeconds} s ahead of the server’s`
  return new KeyferryError(error.code, why, { ...error.details, skewSeconds })
}
