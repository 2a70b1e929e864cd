import { describe, expect, it } from 'vitest'
import type * as z from 'zod'
import { b64uShape, ExtShape, OriginShape, reachesExposure, TextShape, UserNameShape } from './shapes.ts'

const fits = (shape: z.ZodType, value: unknown): boolean => shape.safeParse(value).success

describe('a shape', () => {
  it.each<[string, z.ZodType, readonly unknown[], readonly unknown[]]>([
    ['of texts ends at 1024 octets', TextShape, ['', 'é'.repeat(512)], [`${'é'.repeat(512)}a`, 1]],
    [
      'of b64u has no padding, no other letters, no trailing bits',
      b64uShape(),
      ['', 'AAAA'],
      ['AA==', 'A', 'A+/A', 'AB'],
    ],
    ['of 3 octets of b64u has just these', b64uShape(3), ['AAAA'], ['', 'AAA', 'AAAAAA']],
    [
      'of origins has one way to write each',
      OriginShape,
      ['https://keys.example', 'https://localhost:8443', 'https://[::1]:1'],
      [
        'http://keys.example',
        'https://keys.example/',
        'https://Keys.example',
        'https://keys.example:443',
        'https://keys.example:0443',
        'https://kéys.example',
        `https://${'a'.repeat(1024)}`,
      ],
    ],
    [
      'of user names is NFC, short, and without what cannot be seen',
      UserNameShape,
      ['luis', 'é'.repeat(64)],
      ['', 'é'.repeat(65), 'e\u0301', 'a\nb', 'a\u200bb', 'a\u2028b', 'a\u2029b'],
    ],
    ['of additions is an object', ExtShape, [{}, { a: [1] }], [[], null, 'a', 1]],
  ])('%s', (_, shape, good, bad) => {
    for (const value of good) expect([value, fits(shape, value)]).toEqual([value, true])
    for (const value of bad) expect([value, fits(shape, value)]).toEqual([value, false])
  })
})

it('reaches the exposures that are lower, and itself', () => {
  expect(reachesExposure('host-transient', 'software')).toBe(true)
  expect(reachesExposure('host-transient', 'host-transient')).toBe(true)
  expect(reachesExposure('host-transient', 'in-device')).toBe(false)
})
