import type { Thumbprint } from '@keyferry/protocol'
import { expect, it } from 'vitest'
import { spentNonces } from './nonces.ts'

const [A, B] = ['a', 'b'] as Thumbprint[] as [Thumbprint, Thumbprint]

it('lets a nonce be spent once per key', () => {
  const nonces = spentNonces()
  expect(nonces.spend(A, 'n', 1000)).toBe(true)
  expect(nonces.has(A, 'n')).toBe(true)
  expect(nonces.spend(A, 'n', 1001)).toBe(false)
  expect(nonces.spend(B, 'n', 1001)).toBe(true)
})

it('remembers a nonce for 420 s whenever it was spent, and forgets it some time', () => {
  for (const at of [0, 1, 200, 419]) {
    const nonces = spentNonces()
    nonces.spend(B, 'first', 0)
    nonces.spend(A, 'n', at)
    for (let now = at; now <= at + 420; now += 7) expect(nonces.spend(A, 'n', now)).toBe(false)
    nonces.spend(B, 'second', at + 850)
    nonces.spend(B, 'third', at + 1300)
    expect(nonces.has(A, 'n')).toBe(false)
  }
})
