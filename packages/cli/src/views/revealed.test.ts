import { describe, expect, it } from 'vitest'
import { revealed } from './revealed.ts'

describe('a revealed key', () => {
  it('is its text, on lines of their own', () => {
    expect(revealed(Buffer.from('pass word'))).toEqual({ shown: Buffer.from('pass word\n'), asBase64: false })
    expect(revealed(Buffer.from('-----\nx\n-----\n')).shown.toString()).toBe('-----\nx\n-----\n')
  })

  it.each([
    ['no text', Buffer.from([0xff, 0xfe, 0x80])],
    ['text that would move the cursor', Buffer.from('\u001b[2J')],
  ])('is base64 where the octets are %s', (_, octets) => {
    expect(revealed(octets)).toEqual({ shown: Buffer.from(`${octets.toString('base64')}\n`), asBase64: true })
  })
})
