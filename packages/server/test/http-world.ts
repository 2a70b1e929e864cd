import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import {
  contentDigest,
  logNameOf,
  type RequestBinding,
  requestBinding,
  type Signer,
  signRequest,
  utf8,
  verifyResponse,
} from '@keyferry/protocol'
import {
  aDevice,
  aUser,
  type ExampleSigner,
  exampleSigner,
  ORIGIN,
  type TestDevice,
  type TestUser,
} from '@keyferry/testkit'
import { committing } from '../src/commit.ts'
import type { ServerContext } from '../src/context.ts'
import { buildApp, type KeyferryApp } from '../src/http/app.ts'
import { openLog } from '../src/log/log.ts'
import type { EventLog } from '../src/observability/event-log.ts'
import { tokenBuckets } from '../src/rate/token-buckets.ts'
import { readOnlySwitch } from '../src/read-only.ts'
import { keyRing } from '../src/signing/key-ring.ts'
import { nodeSigner } from '../src/signing/node-signer.ts'
import { type MemoryStore, memoryStore } from '../src/store/memory/memory-store.ts'
import { wakeups } from '../src/wakeups.ts'
import { aWorld, enrolAll, type World } from './world.ts'

/** A whole server at 127.0.0.1, over a store in memory, and two devices of `luis` that are enrolled. */
export interface HttpWorld extends World {
  readonly app: KeyferryApp
  readonly port: number
  readonly luis: TestUser
  readonly phone: TestDevice
  readonly tablet: TestDevice
  readonly wakeups: ReturnType<typeof wakeups>
  /** What the log of events got. */
  readonly logged: { readonly event: string; readonly error?: unknown }[]
  close(): Promise<void>
}

export const LOG: Signer = nodeSigner(generateKeyPairSync('ed25519').privateKey)
export const SERVER: ExampleSigner = exampleSigner('server')

export interface HttpWorldOptions {
  readonly store?: MemoryStore
  readonly context?: Partial<ServerContext>
  readonly unsignedPerMinute?: number
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
}

export async function anHttpWorld(options: HttpWorldOptions = {}): Promise<HttpWorld> {
  const world = aWorld(options.store ?? memoryStore())
  const log = await openLog({ store: world.store, name: logNameOf(ORIGIN), signer: LOG })
  const bell = wakeups()
  const logged: { event: string; error?: unknown }[] = []
  const writing = readOnlySwitch(committing(world.store, log, bell), false)
  const context: ServerContext = {
    ...world.context,
    log,
    commit: writing.commit,
    ...options.context,
  }
  const unsigned = options.unsignedPerMinute ?? 100_000
  const app = await buildApp({
    context,
    wakeups: bell,
    keys: keyRing([{ signer: SERVER, activeAt: 0 }]),
    published: { logKey: log.vkey, witnesses: [], cas: [] },
    goReadOnly: writing.goReadOnly,
    log: eventsInto(logged),
    rates: {
      unsigned: tokenBuckets({ burst: unsigned, perMinute: unsigned }, context.random),
      claims: tokenBuckets({ burst: 10, perMinute: 10 }, context.random),
    },
    tls: options.tls ?? null,
    checkAnswers: true,
  })
  const luis = aUser('luis')
  const phone = await aDevice(luis, { withAccess: true })
  const tablet = await aDevice(luis, { name: 'tablet' })
  await enrolAll({ ...world, context }, [phone, tablet])
  const port = await app.listen('127.0.0.1', 0)
  return { ...world, context, app, port, luis, phone, tablet, wakeups: bell, logged, close: () => app.close() }
}

function eventsInto(logged: { event: string; error?: unknown }[]): EventLog {
  const note: EventLog['error'] = (event, fields) => {
    logged.push({ event, ...(fields?.error === undefined ? {} : { error: fields.error }) })
  }
  return { error: note, warn: note, info: note, debug: note }
}

export interface Call {
  readonly method?: string
  readonly path: string
  /** Sent as JSON; octets and texts as they are, with `type`. */
  readonly body?: unknown
  readonly type?: string
  readonly headers?: Record<string, string>
  /** Signs; null: not signed. */
  readonly signer: Signer | null
  readonly nonce?: string
  readonly created?: number
  readonly lifetimeSeconds?: number
  /** Changes headers after they were signed. */
  readonly afterSigning?: (headers: Record<string, string>) => void
  /** Do not look at the signature of the answer. */
  readonly unsignedAnswer?: boolean
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly octets: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it by hand
  readonly json: any
}

/** Signs, sends, and verifies the answer under the server's key: each answer of each test is verified. */
export async function call(world: HttpWorld, facts: Call): Promise<Answer> {
  const { response, binding } = await open(world, facts)
  const octets = await readAll(response)
  await verify(world, facts, response, binding, octets)
  const isJson = /json/.test(response.headers['content-type'] ?? '') && octets.length > 0
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    octets,
    json: isJson ? JSON.parse(octets.toString()) : undefined,
  }
}

/** The answer of a stream, verified; whoever asks reads it and destroys it. */
export async function openStream(world: HttpWorld, facts: Call): Promise<IncomingMessage> {
  const { response, binding } = await open(world, facts)
  await verify(world, facts, response, binding, null)
  return response
}

async function verify(
  world: HttpWorld,
  facts: Call,
  response: IncomingMessage,
  binding: RequestBinding,
  content: Buffer | null,
): Promise<void> {
  if (facts.unsignedAnswer === true) return
  await verifyResponse(
    { status: response.statusCode ?? 0, headers: flat(response.headers), content },
    binding,
    (kid) => (kid === SERVER.id ? SERVER.jwk : null),
    world.clock.now(),
  )
}

async function open(world: HttpWorld, facts: Call): Promise<{ response: IncomingMessage; binding: RequestBinding }> {
  const content = contentOf(facts.body)
  const method = facts.method ?? (content === null ? 'GET' : 'POST')
  const headers: Record<string, string> = { ...facts.headers }
  if (content !== null) {
    headers['content-digest'] ??= contentDigest(content)
    headers['content-type'] ??= facts.type ?? 'application/json'
  }
  const parts = { method, targetUri: ORIGIN + facts.path, headers }
  if (facts.signer !== null) {
    const signature = await signRequest(facts.signer, parts, {
      now: facts.created ?? world.clock.now(),
      nonce: facts.nonce ?? aNonce(),
      lifetimeSeconds: facts.lifetimeSeconds ?? 60,
    })
    Object.assign(headers, signature)
  }
  facts.afterSigning?.(headers)
  const binding = requestBinding({ ...parts, headers })
  const response = await send(world.port, method, facts.path, headers, content)
  return { response, binding }
}

export function aNonce(): string {
  return randomBytes(16).toString('base64url')
}

function contentOf(body: unknown): Uint8Array | null {
  if (body === undefined) return null
  if (body instanceof Uint8Array) return body
  return utf8(typeof body === 'string' ? body : JSON.stringify(body))
}

function send(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  content: Uint8Array | null,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = content === null ? {} : { 'content-length': String(content.length) }
    const sent = httpRequest(
      { host: '127.0.0.1', port, method, path, headers: { ...headers, ...length }, agent: false },
      resolve,
    )
    sent.on('error', reject)
    sent.end(content ?? undefined)
  })
}

export async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function flat(headers: IncomingHttpHeaders): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
