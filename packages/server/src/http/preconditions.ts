import { KeyferryError } from '@keyferry/protocol'
import type { FastifyRequest } from 'fastify'
import type { Precondition } from '../registry/precondition.ts'
import { header } from './request.ts'

/** The strong ETag of a version. */
export function etagOf(version: string | number): string {
  return `"${version}"`
}

/** A version that nothing has: a tag that is none of ours fits nothing. */
const NO_VERSION = 0

/**
 * `If-None-Match: *` to create or `If-Match: "<version>"` to change, exactly one of them (PROTOCOL 4).
 * @throws {KeyferryError} `precondition-required`, `malformed`
 */
export function preconditionOf(request: FastifyRequest): Precondition {
  const precondition = optionalPreconditionOf(request)
  if (precondition === null) {
    throw new KeyferryError('precondition-required', 'If-None-Match: * creates, If-Match changes')
  }
  return precondition
}

/** The same where the asker may leave it out. */
export function optionalPreconditionOf(request: FastifyRequest): Precondition | null {
  const create = header(request, 'if-none-match')
  const change = header(request, 'if-match')
  if (create === undefined && change === undefined) return null
  if (create === '*' && change === undefined) return { expectVersion: 'absent' }
  const tag = change === undefined ? undefined : /^"([^",\\]{1,64})"$/.exec(change)?.[1]
  if (create !== undefined || tag === undefined) {
    throw new KeyferryError('malformed', 'only If-None-Match: *, or one strong tag in If-Match, can be used')
  }
  return { expectVersion: /^[1-9][0-9]{0,14}$/.test(tag) ? Number(tag) : NO_VERSION }
}

/** Whether `If-None-Match` names this tag (weak comparison, RFC 9110, Section 13.1.2). */
export function isKnownTag(request: FastifyRequest, etag: string): boolean {
  const known = header(request, 'if-none-match')
  if (known === undefined) return false
  return known === etag || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
