import { describe, expect, it } from 'vitest'
import type { DeliveryId, Ref, UserId } from '../ids/ids.ts'
import { toBase64url, utf8 } from '../json/base64url.ts'
import { leafSubject, makeLeaf, parseLeaf, tagFor } from './leaf.ts'
import { leafHash } from './merkle.ts'

const ORIGIN = 'https://keys.example'
const ref = 'PRBL7lzdGFz0YVPSpplf-DRH7jdSxNG_n6vocWwy1Hg' as Ref
const owner = '8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA' as UserId
const dl = 'dl_0kz5s8wc31gks89569erpva0kj' as DeliveryId

describe('a leaf', () => {
  it('is the one of the Appendix', () => {
    const leaf = makeLeaf(ORIGIN, { typ: 'kf-order+jwt', ref, owner, dl })
    expect(leaf).toBe(`kf-order+jwt ${ref} DvN0TMxzULLQdIWGE16yHA`)
    expect(toBase64url(leafHash(utf8(leaf)))).toBe('aOdk0ZeyLedaED_E8Gvt1-m5rGGRli0MFino0xEViGw')
    expect(parseLeaf(leaf)).toEqual({ typ: 'kf-order+jwt', ref, tag: 'DvN0TMxzULLQdIWGE16yHA' })
  })

  it('is about what PROTOCOL 11 says', () => {
    const user = owner
    for (const typ of ['kf-device+jwt', 'kf-device-set+jwt', 'kf-grant+jwt'] as const) {
      expect(leafSubject({ typ, ref, user })).toBe(owner)
    }
    expect(leafSubject({ typ: 'kf-user+jwt', ref, username: 'Zoë' })).toBe('Zoë')
    expect(leafSubject({ typ: 'kf-envelope+jws', ref, owner, dl })).toBe(`${owner}\0${dl}`)
    expect(leafSubject({ typ: 'kf-receipt+jwt', ref, dstUser: owner, dl })).toBe(`${owner}\0${dl}`)
    expect(leafSubject({ typ: 'decision', ref, dl })).toBe(dl)
  })

  it('has tags of one origin', () => {
    expect(tagFor(ORIGIN, owner)).not.toBe(tagFor('https://keys.example:8443', owner))
    expect(tagFor(ORIGIN, 'Zoë')).toHaveLength(22)
  })

  it.each([
    '',
    `kf-order+jwt ${ref}`,
    `kf-notice+jws ${ref} DvN0TMxzULLQdIWGE16yHA`,
    `decision ${ref} DvN0TMxzULLQdIWGE16yHA\n`,
  ])('is not %j', (text) => {
    expect(parseLeaf(text)).toBeNull()
  })
})
