import { describe, expect, it } from 'vitest'
import { utf8 } from '../json/base64url.ts'
import { checkContentDigest, contentDigest } from './content-digest.ts'

const OF_BRACES = 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:'

describe('Content-Digest', () => {
  it('is the one of the example in PROTOCOL 4', () => {
    expect(contentDigest(utf8('{}'))).toBe(OF_BRACES)
  })

  it.each([OF_BRACES, `sha-512=:AAAA:, ${OF_BRACES}`, `${OF_BRACES},x`])('accepts %s', (header) => {
    expect(() => checkContentDigest(header, utf8('{}'))).not.toThrow()
  })

  it.each([
    undefined,
    '',
    'sha-512=:AAAA:',
    'sha-256',
    'sha-256=1',
    OF_BRACES.replace('R', 'S'),
    OF_BRACES.replace('=:', ':'),
    `${OF_BRACES};a`,
    `${OF_BRACES},`,
    `${OF_BRACES}, ${OF_BRACES}`,
    OF_BRACES.toUpperCase(),
  ])('refuses %s', (header) => {
    expect(() => checkContentDigest(header, utf8('{}'))).toThrow(expect.objectContaining({ code: 'digest-mismatch' }))
  })

  it('may be absent only where there is no content', () => {
    expect(() => checkContentDigest(undefined, new Uint8Array())).not.toThrow()
    expect(() => checkContentDigest(contentDigest(new Uint8Array()), new Uint8Array())).not.toThrow()
    expect(() => checkContentDigest(OF_BRACES, new Uint8Array())).toThrow()
  })
})
