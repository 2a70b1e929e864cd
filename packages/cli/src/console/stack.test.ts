import { KeyferryError } from '@keyferry/protocol'
import { expect, it } from 'vitest'
import { Undone } from '../invocation.ts'
import { stackOf } from './stack.ts'

it('takes nothing that a server says for a place', () => {
  const detail = 'not now\n    at keyferry: all is well'
  const [first, ...places] = stackOf(new Undone('not sent', new KeyferryError('unavailable', detail)))
  expect(first).toBe(`KeyferryError: ${detail}`)
  expect(places.length).toBeGreaterThan(0)
  expect(places.join()).not.toContain('all is well')
})
