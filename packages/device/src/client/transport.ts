/** One exchange with the server, below signatures. */
export interface HttpRequest {
  readonly method: string
  /** Absolute URI under the origin. */
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly content: Uint8Array | null
  /** Longest silence: until an answer begins, and between its octets. */
  readonly timeoutMilliseconds: number
  /** All the time there is until the answer is whole, or a stream begins: a server may speak slowly, not for ever. */
  readonly deadlineMilliseconds: number
  readonly signal?: AbortSignal
}

/** For an answer that the server does not hold back. */
export const ANSWER_TIMES: Pick<HttpRequest, 'timeoutMilliseconds' | 'deadlineMilliseconds'> = {
  timeoutMilliseconds: 30_000,
  deadlineMilliseconds: 60_000,
}

export interface HttpResponse {
  readonly status: number
  header(name: string): string | undefined
  readonly content: Uint8Array
}

export interface HttpStream {
  readonly status: number
  header(name: string): string | undefined
  /** Chunks as they come; ends when the peer closes or the signal aborts. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/**
 * How a device reaches its server. Follows no redirect, reads at most 4 MiB of an answer (PROTOCOL 17).
 * @throws {UnreachableError} when there is no answer: no network, a name that does not resolve, TLS that does not verify, a timeout.
 */
export interface Transport {
  send(request: HttpRequest): Promise<HttpResponse>
  open(request: HttpRequest): Promise<HttpStream>
  close(): void
}

/** There was no answer at all. What was sent may or may not have arrived: send it again. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError'
}
