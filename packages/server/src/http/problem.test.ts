import { CHECK_SLUGS, type ErrorCode, KeyferryError, PROBLEMS } from '@keyferry/protocol'
import { describe, expect, it } from 'vitest'
import { toProblem } from './problem.ts'

const ORIGIN = 'https://keys.example'
const problemOf = (error: unknown) => toProblem(ORIGIN, error, 65_536)

describe('an error on the wire', () => {
  it.each(Object.entries(PROBLEMS))('is the problem %s', (code, { status, title }) => {
    const { problem } = problemOf(new KeyferryError(code as ErrorCode, 'why'))
    expect(problem).toEqual({ type: `${ORIGIN}/problems/${code}`, status, title, detail: 'why', code })
  })

  it('carries a check as member of the problem that it belongs to', () => {
    const { problem } = problemOf(new KeyferryError('key-in-use', 'why'))
    expect(problem).toMatchObject({ status: 422, code: 'statement-invalid', check: 'key-in-use' })
  })

  it('is a problem of PROTOCOL 16 or an unforeseen 500, whatever the slug', () => {
    for (const slug of CHECK_SLUGS) {
      const { problem, unforeseen } = problemOf(new KeyferryError(slug, 'why'))
      expect(unforeseen ? problem.status : problem.code).toEqual(unforeseen ? 500 : expect.any(String))
    }
  })

  it('shows the details that PROTOCOL 16 names, and says when to come again in a header', () => {
    const full = problemOf(new KeyferryError('unavailable', 'why', { retryAfter: 7, reason: 'disk' }))
    expect(full.headers).toEqual({ 'retry-after': '7' })
    expect(full.problem).toMatchObject({ status: 503, reason: 'disk' })
    expect(full.problem).not.toHaveProperty('retryAfter')
    for (const code of ['too-many-requests', 'read-only', 'unavailable'] as const) {
      expect(problemOf(new KeyferryError(code, 'why')).headers).toHaveProperty('retry-after')
    }
    expect(problemOf(new KeyferryError('not-found', 'why')).headers).toEqual({})
  })

  it('says nothing of what nobody foresaw', () => {
    for (const error of [new TypeError('secret'), 'secret', null]) {
      expect(problemOf(error)).toEqual({
        status: 500,
        headers: {},
        problem: { type: 'about:blank', title: 'Internal Server Error', status: 500 },
        unforeseen: true,
      })
    }
  })

  it('names the limit of the route for content that is too large', () => {
    const error = Object.assign(new Error('Request body is too large'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE' })
    expect(problemOf(error).problem).toMatchObject({ code: 'too-large', max: 65_536 })
  })
})
