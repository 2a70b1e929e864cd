import { request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { KeyferryError } from '@keyferry/protocol'
import { type HttpRequest, type HttpResponse, type HttpStream, type Transport, UnreachableError } from './transport.ts'

const MAX_ANSWER_OCTETS = 4 * 1024 * 1024
const TOO_LATE = 'no answer in time'

export interface NodeTransportOptions {
  /** PEM of the CA that signed the server's certificate; absent: the system's store and Node's own list. */
  readonly ca?: string
}

/** HTTPS over kept-alive connections of Node. */
export function nodeTransport(options: NodeTransportOptions = {}): Transport {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 16,
    minVersion: 'TLSv1.2',
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  })

  function start(request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(request.url)
    return new Promise((resolve, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest
      const outgoing = send(
        url,
        {
          method: request.method,
          headers: {
            ...request.headers,
            ...(request.content === null ? {} : { 'content-length': String(request.content.length) }),
          },
          ...(url.protocol === 'https:' ? { agent } : {}),
          signal,
          timeout: request.timeoutMilliseconds,
        },
        resolve,
      )
      outgoing.on('timeout', () => outgoing.destroy(new Error(TOO_LATE)))
      outgoing.on('error', (cause) => reject(new UnreachableError(why(cause), { cause })))
      outgoing.end(request.content ?? undefined)
    })
  }

  return {
    async send(request) {
      const [incoming, content] = await inTime(request, async (signal) => {
        const begun = await start(request, signal)
        return [begun, await readAll(begun)] as const
      })
      return { status: incoming.statusCode ?? 0, header: headerOf(incoming), content } satisfies HttpResponse
    },
    async open(request) {
      const incoming = await inTime(request, (signal) => start(request, signal))
      return {
        status: incoming.statusCode ?? 0,
        header: headerOf(incoming),
        chunks: untilBroken(incoming),
      } satisfies HttpStream
    },
    close: () => agent.destroy(),
  }
}

/** Ends what takes longer than the request allows, however lively it is. */
async function inTime<T>(request: HttpRequest, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), request.deadlineMilliseconds)
  try {
    return await work(request.signal === undefined ? late.signal : AbortSignal.any([request.signal, late.signal]))
  } catch (error) {
    if (late.signal.aborted) throw new UnreachableError(TOO_LATE, { cause: error })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function headerOf(incoming: IncomingMessage): (name: string) => string | undefined {
  return (name) => {
    const value = incoming.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
}

async function readAll(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER_OCTETS) {
        incoming.destroy()
        throw new KeyferryError('response-invalid', 'the answer is longer than 4 MiB')
      }
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof KeyferryError) throw error
    throw new UnreachableError('the answer broke off', { cause: error })
  }
  return Buffer.concat(chunks)
}

/** A stream that breaks off says what no answer says: the server may have died, the device may have moved. */
async function* untilBroken(incoming: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) yield chunk
  } catch (cause) {
    throw new UnreachableError('the connection broke off', { cause })
  }
}

/** The system's word for what failed, without addresses or content. */
function why(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'nobody listens there'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name does not resolve'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
      return 'its TLS certificate is from an unknown CA'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'its TLS certificate is for another name'
    case 'CERT_HAS_EXPIRED':
      return 'its TLS certificate has expired'
    case 'ABORT_ERR':
      return 'stopped'
    default:
      return error.message === TOO_LATE ? TOO_LATE : (error.code ?? 'the connection failed')
  }
}
