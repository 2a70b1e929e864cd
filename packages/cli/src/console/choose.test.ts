import { describe, expect, it } from 'vitest'
import { type Called, choose, nearest } from './choose.ts'

const ALL: readonly Called<number>[] = [
  { thing: 1, id: 'tr_2ck0frzqa7em6qn7679ps32h78', name: 'phone' },
  { thing: 2, id: 'tr_2ck0zzzqa7em6qn7679ps32h78', name: 'desktop' },
  { thing: 3, id: '8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA/0tpbn4f2neatkmt5s8z6wygmzj', name: '' },
]

describe('what was meant', () => {
  it.each([
    ['phone', 1],
    ['tr_2ck0f', 1],
    ['tr_2ck0z…', 2],
    ['8vcT…/0tpb', 3],
  ])('is found by %s', (typed, thing) => {
    expect(choose('thing', typed, ALL)).toBe(thing)
  })

  it('is asked for again when it may be several, none, or is said too shortly', () => {
    expect(() => choose('thing', 'tr_2ck0', ALL)).toThrow(expect.objectContaining({ code: 'name-ambiguous' }))
    expect(() => choose('thing', 'tr_', ALL)).toThrow(expect.objectContaining({ code: 'name-unknown' }))
    expect(() => choose('thing', 'phnoe', ALL)).toThrow(expect.objectContaining({ hint: 'did you mean "phone"?' }))
  })

  it('is not guessed from afar', () => {
    expect(nearest('tablet', ['phone', 'desktop'])).toBeNull()
    expect(nearest('x', ['y'])).toBeNull()
  })
})
