import { describe, expect, it } from 'vitest'
import { utf8 } from './base64url.ts'
import { parseStrictJson } from './strict-json.ts'

describe('strict JSON', () => {
  it.each([
    ['{"a":1,"a":2}'],
    ['{"a":1,"\\u0061":2}'],
    ['{"__proto__":1}'],
    ['1.0'],
    ['1e2'],
    ['-1'],
    ['01'],
    ['9007199254740992'],
    ['null'],
    ['{"a":null}'],
    ['"\\ud800"'],
    ['1 2'],
    ['{"a":1,}'],
    ['[1,]'],
    [''],
    ['"\u0001"'],
    ['\ufeff{}'],
    ['['.repeat(17) + ']'.repeat(17)],
    [`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`],
    ["{'a':1}"],
    ['"\\x"'],
    ['"\\x0041"'],
    ['"\\u00zz"'],
    ['"\\u 041"'],
    ['NaN'],
  ])('refuses %s', (text) => {
    expect(() => parseStrictJson(utf8(text))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('reads what it should', () => {
    expect(parseStrictJson(utf8(' {"a":[1,true,"x\\n\\ud83d\\ude00"],"b":{},"c":9007199254740991} '))).toEqual({
      a: [1, true, 'x\n😀'],
      b: {},
      c: 9007199254740991,
    })
    expect(parseStrictJson(utf8('['.repeat(16) + ']'.repeat(16)))).toHaveLength(1)
    expect(parseStrictJson(utf8(`${'{"a":'.repeat(16)}1${'}'.repeat(16)}`))).toHaveProperty('a')
  })
})
