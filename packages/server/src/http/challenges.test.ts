import { expect, it } from 'vitest'
import { systemRandom } from '../ports.ts'
import { challenges } from './challenges.ts'

it('knows its own nonces for a minute, and no others', () => {
  const own = challenges(systemRandom)
  const nonce = own.make(1000)
  expect(nonce).toMatch(/^[\w-]{43}$/)
  expect(own.isFresh(nonce, 1000)).toBe(true)
  expect(own.isFresh(nonce, 1060)).toBe(true)
  expect(own.isFresh(nonce, 1061)).toBe(false)
  expect(own.isFresh(nonce, 999)).toBe(false)
  expect(own.isFresh(`${nonce.slice(0, 20)}AA${nonce.slice(22)}`, 1000)).toBe(false)
  expect(own.isFresh('rlTfEhd99pz7iZdhnbXluA', 1000)).toBe(false)
  expect(challenges(systemRandom).isFresh(nonce, 1000)).toBe(false)
})
