import { describe, expect, it } from 'vitest'
import { nameToKeep } from './names.ts'

describe('a name that is kept', () => {
  it('is what was typed, in one form, without space around it', () => {
    expect(nameToKeep('key', ' ssh laptop ', '')).toBe('ssh laptop')
    expect(nameToKeep('device', 'cafe\u0301', '')).toBe('caf\u00e9')
  })

  it.each([
    ['empty', ''],
    ['nothing but space', '  '],
    ['two lines', 'n2\n00:59 root from ceo'],
    ['in colour', '\u001b[31mred'],
    ['written backwards', 'pay\u202edaol'],
    ['not seen', 'a\u200bb'],
    ['endless', 'x'.repeat(201)],
  ])('is not %s', (_, typed) => {
    expect(() => nameToKeep('key', typed, 'hint')).toThrow(expect.objectContaining({ code: 'wrong-use' }))
  })
})
