import { fakeRandom, NOW } from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import { addressKey, tokenBuckets } from './token-buckets.ts'

const LIMIT = { burst: 3, perMinute: 6 }

describe('token buckets', () => {
  it('let a burst pass, then say when to come again', () => {
    const buckets = tokenBuckets(LIMIT, fakeRandom())
    expect([1, 2, 3, 4].map(() => buckets.take('a', NOW))).toEqual([0, 0, 0, 10])
    expect(buckets.take('a', NOW + 4)).toBe(6)
    expect(buckets.take('a', NOW + 10)).toBe(0)
    expect(buckets.take('a', NOW + 10)).toBe(10)
    expect(buckets.take('b', NOW)).toBe(0)
  })

  it('fill up to the burst and no further', () => {
    const buckets = tokenBuckets(LIMIT, fakeRandom())
    buckets.take('a', NOW)
    expect([1, 2, 3, 4].map(() => buckets.take('a', NOW + 86_400))).toEqual([0, 0, 0, 10])
  })

  it('do not fill when the clock is set back, and go on from there', () => {
    const buckets = tokenBuckets(LIMIT, fakeRandom())
    for (let i = 0; i < 3; i++) buckets.take('a', NOW)
    expect(buckets.take('a', NOW - 60)).toBe(10)
    expect(buckets.take('a', NOW - 50)).toBe(0)
  })

  it('hold up few others when one floods, and keep counting when there are more keys than buckets', () => {
    const buckets = tokenBuckets(LIMIT, fakeRandom(), 1024)
    for (let i = 0; i < 50; i++) for (let k = 0; k < 5; k++) buckets.take(`flood ${k}`, NOW)
    const heldUp = Array.from({ length: 200 }, (_, i) => buckets.take(`guest ${i}`, NOW)).filter((wait) => wait > 0)
    expect(heldUp.length).toBeLessThan(5)
    for (let i = 0; i < 20_000; i++) buckets.take(`many ${i}`, NOW)
    expect(buckets.take('one more', NOW)).toBeGreaterThan(0)
  })
})

describe('an address', () => {
  it('counts by what one customer has', () => {
    expect(addressKey('192.0.2.7')).toBe('192.0.2.7')
    expect(addressKey('::ffff:192.0.2.7')).toBe('192.0.2.7')
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(addressKey('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64')
    expect(addressKey('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(addressKey('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
    expect(addressKey('::1')).toBe('0:0:0:0::/64')
  })
})
