import { KeyferryError } from '@keyferry/protocol'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../access/caller.ts'
import type { Clock } from '../ports.ts'
import type { Authenticate } from './authenticate.ts'
import { readBody } from './content.ts'
import type { NotePresence } from './presence.ts'
import { contentOf, type RouteFacts, requestParts } from './request.ts'

export interface GateParts {
  readonly origin: string
  readonly clock: Clock
  readonly authenticate: Authenticate
  readonly notePresence: NotePresence
  /** Whether a request came through the administration socket: then the operator is who calls. */
  readonly isOperator: (request: FastifyRequest) => boolean
  /** Counts a request without a valid signature against its address. Throws `too-many-requests`. */
  readonly countUnsigned: (address: string) => void
}

export type Gate = (request: FastifyRequest) => Promise<void>

const USUAL_CALLERS: readonly Caller['type'][] = ['device', 'user', 'application']

/** What each request passes before its parameters are looked at: signature, then media type and form of its body (PROTOCOL 4). */
export function gate(parts: GateParts, facts: RouteFacts): Gate {
  const callers = facts.callers ?? USUAL_CALLERS
  const { newcomerKey } = facts
  return async (request) => {
    if (facts.open !== true) await enter(request)
    if (facts.media === undefined) return
    try {
      request.body = readBody(request, facts.media)
    } catch (error) {
      await facts.whose?.(request)
      throw error
    }
  }

  async function enter(request: FastifyRequest): Promise<void> {
    if (parts.isOperator(request)) {
      request.caller = { type: 'operator' }
      return
    }
    const caller = await authenticated(request)
    request.caller = caller
    request.provedAt = parts.clock.now()
    if (!callers.includes(caller.type)) {
      throw new KeyferryError('access-denied', 'this is not for callers of this kind', { reason: 'caller' })
    }
    if (caller.type === 'device' && caller.method === 'access-signature' && facts.accessKey !== true) {
      throw new KeyferryError('access-denied', 'the access key of a device is not for this', { reason: 'access-key' })
    }
    await parts.notePresence(caller, request.provedAt)
  }

  async function authenticated(request: FastifyRequest): Promise<Caller> {
    try {
      return await parts.authenticate({
        parts: requestParts(parts.origin, request),
        content: contentOf(request),
        onRead: (signed) => {
          request.signed = signed
        },
        ...(newcomerKey === undefined ? {} : { newcomerKey: (keyid) => newcomerKey(request, keyid) }),
      })
    } catch (error) {
      if (error instanceof KeyferryError) parts.countUnsigned(request.ip)
      throw error
    }
  }
}
