import { describe, expect, it } from 'vitest'
import { acceptSignature, readAcceptSignature } from './accept-signature.ts'
import { errorOfProblem, makeProblem, readProblem } from './problem.ts'

describe('a problem', () => {
  it('goes out and comes back as the error that it was', () => {
    const problem = makeProblem('https://keys.example', 'access-denied', { stage: 'ac2', reason: 'no' }, 'Not for you')
    expect(problem).toEqual({
      type: 'https://keys.example/problems/access-denied',
      title: 'Access denied',
      status: 403,
      detail: 'Not for you',
      code: 'access-denied',
      stage: 'ac2',
      reason: 'no',
    })
    const read = readProblem(JSON.parse(JSON.stringify({ ...problem, more: [1] })))
    expect(read).toEqual(problem)
    expect(errorOfProblem(problem)).toMatchObject({
      code: 'access-denied',
      message: 'Not for you',
      details: { stage: 'ac2', reason: 'no' },
    })
  })

  it('without a slug is a server that is not available', () => {
    const problem = readProblem({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
    expect(problem && errorOfProblem(problem)).toMatchObject({ code: 'unavailable' })
  })

  it.each([
    [null],
    ['x'],
    [{}],
    [{ type: 'a', title: 'b', status: 200 }],
    [{ type: 'a', title: 'b', status: 600 }],
    [{ type: 'a', title: 'b'.repeat(1025), status: 400 }],
    [{ type: 'a', title: 'b', status: 400, code: 'x' }],
  ])('is not %j', (json) => {
    expect(readProblem(json)).toBeNull()
  })
})

describe('Accept-Signature', () => {
  it('asks for a nonce, in one form only', () => {
    const asked = acceptSignature('rlTfEhd99pz7iZdhnbXluA')
    expect(readAcceptSignature(asked)).toBe('rlTfEhd99pz7iZdhnbXluA')
    for (const other of [`${asked};x`, asked.replace('kf-req-1', 'x'), asked.replace('rlTfE', ''), '']) {
      expect(() => readAcceptSignature(other)).toThrow(expect.objectContaining({ code: 'response-invalid' }))
    }
  })
})
