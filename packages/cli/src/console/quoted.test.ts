import { describe, expect, it } from 'vitest'
import { quoted } from './quoted.ts'

describe('a name in a command to copy', () => {
  it.each([
    ['phone', 'phone'],
    ['ssh laptop', '"ssh laptop"'],
    ['-x', '"-x"'],
    ['$(id)', "'$(id)'"],
    ["it's", "'it'\\''s'"],
  ])('%s is typed %s', (name, typed) => {
    expect(quoted(name)).toBe(typed)
  })
})
