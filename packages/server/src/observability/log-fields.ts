import type {
  DeliveryId,
  DeviceId,
  EnrolmentId,
  KeyId,
  NoticeId,
  Ref,
  Thumbprint,
  TransferId,
  UserId,
} from '@keyferry/protocol'

/** Everything that the log of events may ever hold beside time, level and event. No bodies, names, addresses, URLs, secrets. */
export interface LogFields {
  readonly method?: string
  /** The pattern of a route, never the address that was asked for: `/v1/deliveries/:dl`. */
  readonly route?: string
  readonly status?: number
  readonly durationMs?: number
  readonly octets?: number
  readonly count?: number
  readonly size?: number
  readonly port?: number
  readonly attempt?: number
  /** Slugs of PROTOCOL 9, 16; ids of policies. */
  readonly code?: string
  readonly check?: string
  readonly reason?: string
  readonly stage?: string
  readonly state?: string
  readonly channel?: string
  readonly typ?: string
  readonly tr?: TransferId
  readonly dl?: DeliveryId
  readonly nt?: NoticeId
  readonly en?: EnrolmentId
  readonly device?: DeviceId
  readonly user?: UserId
  readonly application?: Thumbprint
  readonly keyid?: Thumbprint
  readonly ref?: Ref
  readonly key?: KeyId
  /** Name, code and places in our own code; never its message, which may quote what was sent. */
  readonly error?: unknown
}

type Field = keyof LogFields
/** What may stand in the log for a value, or undefined if it may not. */
type Reader = (value: unknown) => unknown

function text(pattern: RegExp): Reader {
  return (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined)
}
const number: Reader = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined)
/** Short words only: no code or key of 26 characters and more would pass for one. */
const slug = text(/^[a-z][a-z0-9]{0,23}(?:[-/.+][a-z0-9]{1,24}){0,7}$/)
const id = text(/^[a-z]{2}_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
const thumbprint = text(/^[A-Za-z0-9_-]{43}$/)

const READERS: Readonly<Record<Field, Reader>> = {
  method: text(/^[A-Z]{3,10}$/),
  route: text(/^\/[A-Za-z0-9_/:.*{}-]{0,99}$/),
  status: number,
  durationMs: number,
  octets: number,
  count: number,
  size: number,
  port: number,
  attempt: number,
  code: slug,
  check: slug,
  reason: slug,
  stage: slug,
  state: slug,
  channel: slug,
  typ: slug,
  tr: id,
  dl: id,
  nt: id,
  en: id,
  device: thumbprint,
  user: thumbprint,
  application: thumbprint,
  keyid: thumbprint,
  ref: thumbprint,
  key: text(/^[A-Za-z0-9_-]{43}\/[0-7][0-9a-hjkmnp-tv-z]{25}$/),
  error: (value) => describeError(value, 3),
}

/** What is allowed of what was given; `dropped` counts the rest. */
export function allowedFields(fields: LogFields): Record<string, unknown> {
  const allowed: Record<string, unknown> = {}
  let dropped = 0
  for (const [name, value] of Object.entries(fields)) {
    const kept = Object.hasOwn(READERS, name) ? READERS[name as Field](value) : undefined
    if (kept === undefined) dropped += value === undefined ? 0 : 1
    else allowed[name] = kept
  }
  return dropped === 0 ? allowed : { ...allowed, dropped }
}

/** An event is a slug, too; anything else is not said. */
export function eventName(event: string): string {
  return slug(event) === undefined ? 'unnamed' : event
}

const errorName = text(/^[A-Za-z]{1,40}$/)
const errorCode = text(/^(?:[a-z][a-z0-9-]{0,39}|[A-Z][A-Z0-9_]{0,39})$/)

function describeError(error: unknown, depth: number): Record<string, unknown> | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined
  const code = 'code' in error ? errorCode(error.code) : undefined
  const cause = describeError(error.cause, depth - 1)
  return {
    name: errorName(error.name) ?? 'Error',
    ...(code === undefined ? {} : { code }),
    at: framesOf(error),
    ...(cause === undefined ? {} : { cause }),
  }
}

/** Where it happened. The stack begins with the message, which could itself look like a frame: it is cut off as a whole. */
function framesOf(error: Error): string[] {
  const stack = error.stack ?? ''
  const start = stack.indexOf(error.message)
  if (start === -1) return []
  return stack
    .slice(start + error.message.length)
    .split('\n')
    .filter((line) => /^ {4}at [\w.<>[\] ]*\(?(?:file:\/\/|node:|\/)?[^"]{1,200}:\d+:\d+\)?$/.test(line))
    .slice(0, 8)
    .map((line) => line.trim())
}
