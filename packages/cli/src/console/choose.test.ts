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
    ['8vcT', 3],
    ['0tpb', 3],
  ])('is found by %s', (typed, thing) => {
    expect(choose('device', typed, ALL)).toBe(thing)
  })

  it('is asked for again when it may be several, none, or is said too shortly', () => {
    expect(() => choose('device', 'tr_2ck0', ALL)).toThrow(expect.objectContaining({ code: 'name-ambiguous' }))
    expect(() => choose('device', 'tr_', ALL)).toThrow(expect.objectContaining({ code: 'name-unknown' }))
    expect(() => choose('device', 'phnoe', ALL)).toThrow(expect.objectContaining({ hint: 'did you mean "phone"?' }))
  })

  it('is a device by what people read to each other, with or without space, as long as it is unambiguous', () => {
    const [one, other] = ['4a4a11', '4a4a22'].map((begin) =>
      Buffer.from(begin.padEnd(64, '0'), 'hex').toString('base64url'),
    )
    const devices = [one, other].map((id, thing) => ({ thing, id: id ?? '', name: '' }))
    expect(choose('device', '4a4a 11', devices)).toBe(0)
    expect(choose('device', '4A4A 2200 0000 0000', devices)).toBe(1)
    expect(() => choose('device', '4a4a', devices)).toThrow(expect.objectContaining({ code: 'name-ambiguous' }))
    expect(() => choose('device', '4a4', devices)).toThrow(expect.objectContaining({ code: 'name-unknown' }))
  })

  it('is looked for where there is such a list', () => {
    expect(() => choose('question', 'dl_9999', ALL)).toThrow(
      expect.objectContaining({ hint: 'see what there is: keyferry pending' }),
    )
  })

  it('is one of several keys, which differ behind the slash only', () => {
    const keys = ['0tpb', '9xk2', 'a1b2', 'c3d4', 'e5f6', 'g7h8', 'j9k0'].map((begin, thing) => ({
      thing,
      id: `8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA/${begin}n4f2neatkmt5s8z6wygmzj`,
      name: thing === 0 ? 'ssh laptop' : '',
    }))
    const choosing = (): number => choose('key', '8vcT', keys)
    expect(choosing).toThrow(expect.objectContaining({ hint: expect.stringContaining('behind the /, as 0tpb') }))
    expect(choosing).toThrow(
      expect.objectContaining({ more: expect.stringMatching(/^"ssh laptop" 8vcT….0tpb, 8vcT….9xk2, .*, and 1 more$/) }),
    )
    expect(choose('key', '0tpb', keys)).toBe(0)
  })

  it('is not guessed from afar', () => {
    expect(nearest('tablet', ['phone', 'desktop'])).toBeNull()
    expect(nearest('x', ['y'])).toBeNull()
  })
})
