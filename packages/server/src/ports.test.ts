import { expect, it } from 'vitest'
import { systemRandom } from './ports.ts'

it('gives as many octets as were asked for, none twice', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 5000; i++) {
    const count = 16 + (i % 80)
    const octets = systemRandom.octets(count)
    expect(octets.length).toBe(count)
    expect(octets.buffer.byteLength).toBe(count)
    seen.add(Buffer.from(octets.subarray(0, 16)).toString('hex'))
  }
  expect(seen.size).toBe(5000)
  expect(seen.has('0'.repeat(32))).toBe(false)
})
