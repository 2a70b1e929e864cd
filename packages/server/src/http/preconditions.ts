import { KeyferryError } from '@keyferry/protocol'
import type { FastifyRequest } from 'fastify'
import type { Precondition } from '../registry/precondition.ts'
import { header } from './request.ts'

/** The strong ETag of a version. */
export function etagOf(version: string | number): string {
  return `"${version}"`
}

/**
 * `If-None-Match: *` to create or `If-Match` to change, exactly one of them (PROTOCOL 4).
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
  if (create === undefined && change === '*') return { expectVersion: 'present' }
  const versions = change === undefined ? null : versionsIn(change)
  if (create !== undefined || versions === null) {
    throw new KeyferryError('malformed', 'only If-None-Match: *, or If-Match with * or tags, can be used')
  }
  return { expectVersion: versions }
}

const TAG = '(?:W/)?"[\\x21\\x23-\\x7e\\x80-\\xff]*"'
const TAGS = new RegExp(`^${TAG}(?:[ \\t]*,[ \\t]*${TAG})*$`)
const IN_TAGS = /(W\/)?"([^"]*)"/g

/**
 * The versions that a list of tags names by strong comparison (RFC 9110, Section 13.1.1): a weak tag, or one that is none of ours, fits
 * nothing. Null for what is no list of tags.
 */
function versionsIn(list: string): readonly number[] | null {
  if (!TAGS.test(list)) return null
  return [...list.matchAll(IN_TAGS)].flatMap(([, weak, tag = '']) =>
    weak === undefined && /^[1-9][0-9]{0,14}$/.test(tag) ? [Number(tag)] : [],
  )
}

/** Whether `If-None-Match` names this tag (weak comparison, RFC 9110, Section 13.1.2). */
export function isKnownTag(request: FastifyRequest, etag: string): boolean {
  const known = header(request, 'if-none-match')
  if (known === undefined) return false
  return known === etag || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
