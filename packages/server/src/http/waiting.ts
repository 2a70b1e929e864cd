import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Wakeups } from '../wakeups.ts'
import { etagOf, isKnownTag } from './preconditions.ts'
import { header } from './request.ts'

const MAX_WAIT_SECONDS = 60

/** `Prefer: wait=n` in seconds, at most 60; 0 if the asker does not want to wait. A preference that we cannot read is none. */
export function waitSeconds(request: FastifyRequest): number {
  const prefer = header(request, 'prefer')
  if (prefer === undefined) return 0
  const wait = /(?:^|[,;]) *wait=([0-9]{1,6})(?= *(?:$|[,;]))/i.exec(prefer)?.[1]
  return wait === undefined ? 0 : Math.min(Number(wait), MAX_WAIT_SECONDS)
}

/** Requests that are being held. When the server stops, all of them are answered. */
export interface HeldRequests {
  /**
   * Runs `task` with a signal that fires when the asker goes away or the server stops. A caller who holds too many requests gets
   * a signal that has fired: his preference is not followed, his request is answered at once.
   */
  hold<T>(response: ServerResponse, caller: string, task: (abort: AbortSignal) => Promise<T>): Promise<T>
  /** A signal for a stream that lasts as long as the answer does: it fires when the answer is closed or the server stops. */
  whileOpen(response: ServerResponse): AbortSignal
  /** Ends all waits and streams, now and in future. */
  release(): void
}

export function heldRequests(perCaller = 16): HeldRequests {
  const held = new Set<AbortController>()
  const counts = new Map<string, number>()
  let released = false
  function join(response: ServerResponse): { readonly gone: AbortController; readonly leave: () => void } {
    const gone = new AbortController()
    function leave(): void {
      gone.abort()
      held.delete(gone)
      response.off('close', leave)
    }
    held.add(gone)
    response.once('close', leave)
    if (released) gone.abort()
    return { gone, leave }
  }
  return {
    whileOpen: (response) => join(response).gone.signal,
    async hold(response, caller, task) {
      const { gone, leave } = join(response)
      const count = counts.get(caller) ?? 0
      if (count >= perCaller) gone.abort()
      counts.set(caller, count + 1)
      try {
        return await task(gone.signal)
      } finally {
        leave()
        const left = (counts.get(caller) ?? 1) - 1
        if (left === 0) counts.delete(caller)
        else counts.set(caller, left)
      }
    },
    release() {
      released = true
      for (const gone of held) gone.abort()
    },
  }
}

export interface Versioned<T> {
  readonly view: T
  /** Tells one state of the view from another. */
  readonly version: string
}

export interface Watching {
  readonly wakeups: Wakeups
  readonly held: HeldRequests
}

/**
 * Answers a `GET` marked W (PROTOCOL 4): with its ETag, 304 if the asker has this state already, and after waiting for another
 * one if he prefers to wait.
 * @param topic - what is signalled when the view changes.
 */
export async function answerVersioned<T>(
  watching: Watching,
  request: FastifyRequest,
  reply: FastifyReply,
  topic: string,
  read: () => Promise<Versioned<T>>,
): Promise<T | undefined> {
  const seconds = header(request, 'if-none-match') === undefined ? 0 : waitSeconds(request)
  const found = seconds === 0 ? await read() : await readWhenNew(watching, request, reply, topic, seconds, read)
  const etag = etagOf(found.version)
  reply.header('etag', etag)
  if (!isKnownTag(request, etag)) return found.view
  reply.code(304)
  return undefined
}

async function readWhenNew<T>(
  { wakeups, held }: Watching,
  request: FastifyRequest,
  reply: FastifyReply,
  topic: string,
  seconds: number,
  read: () => Promise<Versioned<T>>,
): Promise<Versioned<T>> {
  const until = performance.now() + seconds * 1000
  const listener = wakeups.listen(topic)
  try {
    return await held.hold(reply.raw, callerName(request), async (abort) => {
      for (;;) {
        const found = await read()
        const left = until - performance.now()
        if (left <= 0 || !isKnownTag(request, etagOf(found.version))) return found
        if (!(await listener.next(left, abort))) return found
      }
    })
  } finally {
    listener.close()
  }
}

/** Under which name a caller's held requests and streams are counted. */
export function callerName(request: FastifyRequest): string {
  const { caller } = request
  switch (caller.type) {
    case 'device':
      return caller.device.id
    case 'application':
      return caller.application.id
    case 'user':
      return caller.user
    case 'newcomer':
      return caller.keyid
    case 'operator':
      return 'operator'
  }
}
