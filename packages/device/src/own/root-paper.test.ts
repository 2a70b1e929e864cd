import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPaper, writePaper } from './root-paper.ts'

const scalars = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('a root key on paper', () => {
  it('is four short lines', () => {
    expect(writePaper(new Uint8Array(32))).toEqual([
      expect.stringMatching(/^1 {2}0000 0000 0000 0[0-9a-z]{3}$/),
      expect.stringMatching(/^2 /),
      expect.stringMatching(/^3 /),
      expect.stringMatching(/^4 /),
    ])
  })

  it('comes back as it was, however people type it', () => {
    const typed = fc.constantFrom<(line: string) => string>(
      (line) => line,
      (line) => line.toUpperCase(),
      (line) => line.replace(/^\d {2}/, ''),
      (line) => line.replaceAll(' ', '').slice(1),
      (line) => line.replace(/ (?=\w{4})/g, '-').replace(/^(\d)[ -]+/, '$1. '),
      (line) => `${line.slice(0, 3)}${line.slice(3).replaceAll('0', 'O').replaceAll('1', 'l')}`,
    )
    fc.assert(
      fc.property(scalars, typed, (scalar, type) => {
        expect(readPaper(['', ...writePaper(scalar).map(type), ' '])).toEqual(scalar)
      }),
    )
  })

  it('says which line has a wrong digit, mostly', () => {
    fc.assert(
      fc.property(scalars, fc.nat(3), fc.nat(12), (scalar, line, digit) => {
        const lines = writePaper(scalar)
        const at = 3 + digit + Math.floor(digit / 4)
        const text = lines[line] ?? ''
        const other = text[at] === '2' ? '3' : '2'
        lines[line] = text.slice(0, at) + other + text.slice(at + 1)
        let read: unknown = null
        try {
          read = readPaper(lines)
        } catch (error) {
          expect(error).toMatchObject({ code: 'key-format-unknown', hint: expect.stringContaining(`line ${line + 1}`) })
        }
        // One in 32768 slips through here; the thumbprint of the root finds it.
        if (read !== null) expect(read).not.toEqual(scalar)
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    ['too few lines', (lines: string[]) => lines.slice(1)],
    ['lines in another order', (lines: string[]) => lines.toReversed()],
    ['a line cut short', (lines: string[]) => lines.map((line) => line.slice(0, -1))],
    ['letters that are no digits', (lines: string[]) => lines.map((line) => `${line.slice(0, -1)}u`)],
  ])('is refused with %s', (_, change) => {
    const lines = change(writePaper(Uint8Array.from({ length: 32 }, (_, i) => i + 1)))
    expect(() => readPaper(lines)).toThrow(expect.objectContaining({ code: 'key-format-unknown' }))
  })
})
