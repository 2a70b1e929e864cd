import { hash } from 'node:crypto'
import { KeyferryError } from '@keyferry/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ServerContext } from '../context.ts'
import type { IdempotencyRow } from '../store/rows.ts'
import { header } from './request.ts'
import { callerName } from './waiting.ts'

const KEPT_SECONDS = 24 * 3600
/** RFC 8941 string, 16..64 characters between the quotes (PROTOCOL 4); an escaped character counts as one. */
const KEY = /^"((?:[ !#-[\]-~]|\\["\\]){16,64})"$/
const JSON_TYPE = 'application/json; charset=utf-8'

/** Lets a request that may be sent twice have its effect once (PROTOCOL 4, `Idempotency-Key`). */
export interface Idempotency {
  /**
   * Runs `task` unless the same request was answered before; then it is answered as before. `task` adds the row that `remember`
   * makes to the unit of work of its effect: either both are there or none.
   * @returns the JSON text of the view, as it is stored. Fastify sends texts as they are.
   * @throws {KeyferryError} `idempotency-key-missing`, `malformed`, `idempotency-in-progress`, `idempotency-key-reused`
   */
  once<T>(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    task: (remember: (view: T) => IdempotencyRow) => Promise<T>,
  ): Promise<T>
}

export function idempotency(context: Pick<ServerContext, 'read' | 'clock' | 'origin'>): Idempotency {
  const underWay = new Set<string>()
  return {
    async once(request, reply, status, task) {
      const key = keyOf(request)
      const scope = scopeOf(request)
      const same = fingerprintOf(context.origin, request)
      const mark = `${scope} ${key}`
      if (underWay.has(mark))
        throw new KeyferryError('idempotency-in-progress', 'the first request is not answered yet')
      underWay.add(mark)
      try {
        const known = await context.read.idempotent(scope, key)
        if (known !== null && known.request !== same) {
          throw new KeyferryError('idempotency-key-reused', 'the key was used for another request')
        }
        let row = known
        if (row === null) {
          const view = await task((view) => {
            row = {
              scope,
              key,
              request: same,
              status,
              body: JSON.stringify(view),
              expiresAt: context.clock.now() + KEPT_SECONDS,
            }
            return row
          })
          reply.code(status)
          if (row === null) return view
        }
        reply.code(row.status).header('content-type', JSON_TYPE)
        // The text of the view stands for the view.
        return row.body as never
      } finally {
        underWay.delete(mark)
      }
    },
  }
}

function keyOf(request: FastifyRequest): string {
  const value = header(request, 'idempotency-key')
  if (value === undefined) throw new KeyferryError('idempotency-key-missing', 'this request needs an Idempotency-Key')
  const key = KEY.exec(value)?.[1]
  if (key === undefined) throw new KeyferryError('malformed', 'Idempotency-Key is a string of 16 to 64 characters')
  return key
}

function scopeOf(request: FastifyRequest): string {
  return request.signed?.keyid ?? callerName(request)
}

/** The digest was compared with the content before. */
function fingerprintOf(origin: string, request: FastifyRequest): string {
  const digest = header(request, 'content-digest') ?? ''
  return hash('sha256', `${request.method}\n${origin}${request.originalUrl}\n${digest}`, 'base64url')
}
