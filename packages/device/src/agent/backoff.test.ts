import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoffSeconds } from './backoff.ts'

const upTo = (failures: number): number => Math.min(2 ** failures, 300)

it('doubles from one second to five minutes', () => {
  expect([0, 1, 2, 3, 8, 9, 100].map((failures) => backoffSeconds(failures, () => 1))).toEqual([
    1, 2, 4, 8, 256, 300, 300,
  ])
})

it('lies anywhere between half and all of it', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, chance) => {
      const seconds = backoffSeconds(failures, () => chance)
      expect(seconds).toBeGreaterThanOrEqual(upTo(failures) / 2)
      expect(seconds).toBeLessThanOrEqual(upTo(failures))
    }),
  )
  expect(backoffSeconds(5, () => 0.25)).not.toBe(backoffSeconds(5, () => 0.75))
})
