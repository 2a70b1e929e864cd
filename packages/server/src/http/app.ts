import { createServer as createHttpServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { KeyferryError } from '@keyferry/protocol'
import fastify, { type FastifyRequest } from 'fastify'
import { createSerializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { ServerContext } from '../context.ts'
import { streamPlaces } from '../notices/inbox-stream.ts'
import { noticeSigner } from '../notices/sign-notice.ts'
import type { EventLog } from '../observability/event-log.ts'
import { addressKey, type TokenBuckets } from '../rate/token-buckets.ts'
import type { KeyRing } from '../signing/key-ring.ts'
import type { Wakeups } from '../wakeups.ts'
import { authenticator } from './authenticate.ts'
import { challenges } from './challenges.ts'
import { shapeValidator } from './content.ts'
import { gate } from './gate.ts'
import { idempotency } from './idempotency.ts'
import { spentNonces } from './nonces.ts'
import { gatherOpenApi, serveOpenApi } from './openapi.ts'
import { operatorSocket } from './operator-socket.ts'
import type { App, Published, RouteParts } from './parts.ts'
import { presence } from './presence.ts'
import { refuse } from './refuse.ts'
import { isSignedAddress } from './request.ts'
import { ROUTES } from './routes/index.ts'
import { signAnswer } from './sign-answers.ts'
import { knownAddresses, plainAddress } from './unknown-address.ts'
import { heldRequests } from './waiting.ts'

export interface AppOptions {
  readonly context: ServerContext
  readonly wakeups: Wakeups
  readonly keys: KeyRing
  readonly published: Published
  /** Stops all writes: somebody holds a note of this log that does not fit it (PROTOCOL 10). */
  readonly goReadOnly: (note: string) => Promise<void>
  readonly log: EventLog
  readonly rates: {
    /** Requests without a valid signature, by address. */
    readonly unsigned: TokenBuckets
    /** Enrolment codes tried, by address. */
    readonly claims: TokenBuckets
  }
  /** PEM; null where a proxy does TLS, whose X-Forwarded-For then tells the address. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null
  /** Check each answer against its schema: for tests. */
  readonly checkAnswers?: boolean
}

export interface KeyferryApp {
  /** Fastify, for tests and for `setSecureContext` of its server. */
  readonly fastify: App
  /** @returns the port. */
  listen(host: string, port: number): Promise<number>
  /** Requests at this socket need no signature: whoever may open it is an administrator. */
  listenForOperator(path: string): Promise<void>
  /** Answers what is being held, then closes. */
  close(): Promise<void>
}

const NO_PARAMETERS = z.strictObject({})
const RECEIVE_MILLISECONDS = 60_000

/** The whole HTTP side of a server (PROTOCOL 4, 15 to 17) over use cases that know none of it. */
export async function buildApp(options: AppOptions): Promise<KeyferryApp> {
  const { context, keys, log } = options
  const { clock, origin, limits } = context
  const app: App = fastify({
    bodyLimit: limits.bodyBytes,
    // The nearest hop only: what the proxy itself wrote down, not what a client told it.
    trustProxy: options.tls === null ? (_address: string, hop: number) => hop === 0 : false,
    rewriteUrl: (request) => plainAddress(request.url ?? '/'),
    serverFactory: (handler) => newServer(options, handler),
    routerOptions: { maxParamLength: limits.headerBytes },
    exposeHeadRoutes: false,
    logger: false,
    return503OnClosing: false,
  }).withTypeProvider<ZodTypeProvider>()

  const operator = operatorSocket((request, response) => app.routing(request, response))
  const own = { origin, clock, challenges: challenges(context.random), log }
  const gateParts = {
    origin,
    clock,
    authenticate: authenticator({ context, nonces: spentNonces(), challenges: own.challenges }),
    notePresence: presence(context, (error) => log.error('decisions-failed', { error })),
    isOperator: (request: FastifyRequest) => operator.owns(request.raw),
    countUnsigned(address: string) {
      const retryAfter = options.rates.unsigned.take(addressKey(address), clock.now())
      if (retryAfter > 0) throw new KeyferryError('too-many-requests', 'too many unsigned requests', { retryAfter })
    },
  }

  app.removeAllContentTypeParsers()
  // Signatures, digests and envelopes cover octets as received: whatever it is, it stays what it is until it was verified.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, content, done) => done(null, content))
  app.setValidatorCompiler(shapeValidator)
  app.setSerializerCompiler(options.checkAnswers === true ? createSerializerCompiler() : () => JSON.stringify)
  app.decorateRequest('caller', null as never)
  app.decorateRequest('signed', null)
  app.decorateRequest('provedAt', 0)

  const addresses = knownAddresses()
  await gatherOpenApi(app, origin)
  app.addHook('onRoute', (route) => {
    addresses.add(route)
    // Unknown query parameters are `malformed` (PROTOCOL 4), also where none is known.
    if (route.schema !== undefined && isSignedAddress(route.url)) route.schema.querystring ??= NO_PARAMETERS
    route.preValidation = gate(gateParts, route.config ?? {})
  })
  app.addHook('onSend', async (request, reply, payload) =>
    signAnswer({ origin, clock, keys }, request, reply, payload as string),
  )
  app.setErrorHandler(async (error, request, reply) => refuse(own, error, request, reply))
  const unknown = gate(gateParts, { callers: ['device', 'user', 'application'], accessKey: true })
  app.setNotFoundHandler(
    {
      preValidation: async (request: FastifyRequest) =>
        isSignedAddress(request.originalUrl) ? unknown(request) : undefined,
    },
    async () => {
      throw new KeyferryError('not-found', 'there is nothing at this address')
    },
  )

  const held = heldRequests()
  app.addHook('preClose', async () => held.release())
  const parts: RouteParts = {
    context,
    wakeups: options.wakeups,
    held,
    idempotency: idempotency(context),
    notices: noticeSigner(origin, () => keys.signerAt(clock.now())),
    streams: streamPlaces(),
    claims: options.rates.claims,
    keys,
    published: options.published,
    async reportMisfit(note) {
      log.error('log-does-not-fit')
      await options.goReadOnly(note)
    },
  }
  for (const routes of ROUTES) routes(app, parts)
  serveOpenApi(app)
  addresses.refuseOtherMethods(app)
  await app.ready()

  return {
    fastify: app,
    async listen(host, port) {
      await app.listen({ host, port })
      const address = app.server.address()
      return typeof address === 'object' && address !== null ? address.port : port
    },
    listenForOperator: (path) => operator.listen(path),
    async close() {
      held.release()
      await operator.close()
      await app.close()
    },
  }
}

/** A server whose parser already refuses heads that are too large (431, unsigned: nobody knows yet who asks what). */
function newServer({ tls, context }: AppOptions, handler: Parameters<typeof createHttpServer>[1]): Server {
  const options: ServerOptions = { maxHeaderSize: context.limits.headerBytes, requestTimeout: RECEIVE_MILLISECONDS }
  if (tls === null) return createHttpServer(options, handler)
  return createHttpsServer({ ...options, cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' }, handler)
}
