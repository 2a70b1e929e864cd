import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64 as webDecode, encodeBase64 as webEncode } from '../platform/web.ts'
import { fromBase64, fromBase64url, toBase64, toBase64url } from './base64url.ts'

describe('base64url', () => {
  it('gives back any octets, in both alphabets, as browsers do', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
        expect(fromBase64url(toBase64url(octets))).toEqual(octets)
        expect(fromBase64(toBase64(octets))).toEqual(octets)
        expect(webEncode(octets, 'base64url')).toBe(toBase64url(octets))
        expect(webEncode(octets, 'base64')).toBe(toBase64(octets))
        expect(webDecode(toBase64url(octets), 'base64url')).toEqual(octets)
      }),
    )
  })

  it.each(['A', 'AB', 'AAB', 'AA==', 'A+', 'A/', ' AA', 'AA\n', 'AAAAA', 'é'])('refuses %j as b64u', (text) => {
    expect(() => fromBase64url(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it.each(['AA', 'AB==', 'AAB=', 'AAA', 'A===', 'AA-_', '=', '====', 'AA==AA==', ' AA=', 'AAA=\n'])(
    'refuses %j as base64',
    (text) => {
      expect(() => fromBase64(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
    },
  )
})
