import type {
  EpochSeconds,
  HttpRequestParts,
  PublicSigningJwk,
  SignedRequestFacts,
  Thumbprint,
} from '@keyferry/protocol'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../access/caller.ts'

/** What a route says of itself beside its schema. */
export interface RouteFacts {
  /** Needs no signature and no login (PROTOCOL 15, "-"). */
  readonly open?: boolean
  /** Who may call; an operator always may. Default: devices, users, applications. */
  readonly callers?: readonly Caller['type'][]
  /** Among the few things for which an `access` key is good (PROTOCOL 2.1). */
  readonly accessKey?: boolean
  /** Media type of the body; the body comes as strict JSON, as text, or as octets as received. */
  readonly media?: RequestMedia
  /** Finds the key of somebody whom the server does not know yet: its thumbprint has to be the `keyid`. */
  readonly newcomerKey?: (request: FastifyRequest, keyid: Thumbprint) => Promise<PublicSigningJwk | null>
  /**
   * Throws `not-found` if the thing is none of the caller's. Only asked before a faulty body is refused: *whose* comes before
   * media type and form (PROTOCOL 4), and the use case asks anyway where the body is good.
   */
  readonly whose?: (request: FastifyRequest) => Promise<unknown>
}

export type RequestMedia = 'application/json' | 'application/jose' | 'application/jose+json' | 'text/plain'

declare module 'fastify' {
  interface FastifyContextConfig extends RouteFacts {}
  interface FastifyRequest {
    /** Known after authentication: handlers of routes that are not `open` rely on it. */
    caller: Caller
    /** The signature of the request, once it was read. */
    signed: SignedRequestFacts | null
    /** When the signature was verified. */
    provedAt: EpochSeconds
  }
}

/** A request as its signature sees it: the origin is the configured one, never `Host` (PROTOCOL 4). */
export function requestParts(origin: string, request: FastifyRequest): HttpRequestParts {
  const { raw } = request
  return {
    method: raw.method ?? '',
    targetUri: origin + request.originalUrl,
    headers: (name) => field(raw.headers[name]),
  }
}

export function header(request: FastifyRequest, name: string): string | undefined {
  return field(request.raw.headers[name])
}

function field(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

const NOTHING: Uint8Array = new Uint8Array(0)

/** The content as received. */
export function contentOf(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : NOTHING
}

/** Whether answers at this address are signed (PROTOCOL 4): not hash tiles and checkpoints, which prove themselves. */
export function isSignedAddress(url: string): boolean {
  return url.startsWith('/v1/') || isAt(url, '/v1') || isAt(url, '/.well-known/keyferry')
}

function isAt(url: string, path: string): boolean {
  return url.startsWith(path) && (url.length === path.length || url.charAt(path.length) === '?')
}
