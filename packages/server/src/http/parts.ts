import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { ServerContext } from '../context.ts'
import type { StreamPlaces } from '../notices/inbox-stream.ts'
import type { NoticeSigner } from '../notices/sign-notice.ts'
import type { TokenBuckets } from '../rate/token-buckets.ts'
import type { KeyRing } from '../signing/key-ring.ts'
import type { Wakeups } from '../wakeups.ts'
import type { Idempotency } from './idempotency.ts'
import type { HeldRequests } from './waiting.ts'

/** Fastify with shapes of zod as schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What routes may use: use cases are functions of the context, the rest is about HTTP. */
export interface RouteParts {
  readonly context: ServerContext
  readonly wakeups: Wakeups
  readonly held: HeldRequests
  readonly idempotency: Idempotency
  readonly notices: NoticeSigner
  readonly streams: StreamPlaces
  /** Enrolment codes tried, by address (PROTOCOL 3). */
  readonly claims: TokenBuckets
  readonly keys: KeyRing
  readonly published: Published
  /** A note of the log's own key that does not fit the log: stops all writes (PROTOCOL 10). */
  readonly reportMisfit: (note: string) => Promise<void>
}

/** Members of the configuration (PROTOCOL 17) that do not change while the server runs. */
export interface Published {
  /** vkey of the log. */
  readonly logKey: string
  /** vkeys. */
  readonly witnesses: readonly string[]
  /** Ids of organisation CAs. */
  readonly cas: readonly string[]
}

/** Adds the routes of one subject. */
export type Routes = (app: App, parts: RouteParts) => void
