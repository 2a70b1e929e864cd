import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { choosePassphrase, readPassphrase } from './passphrase.ts'
import type { Prompts } from './prompts.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-passphrase-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Gives these answers, one after the other. */
function answering(...answers: string[]): Prompts {
  return {
    onTerminal: true,
    secret: async () => answers.shift() ?? '',
    text: async () => '',
    confirm: async () => false,
  }
}

function fileWith(content: string): string {
  const path = join(folder, 'passphrase')
  writeFileSync(path, content, { mode: 0o600 })
  return path
}
const text = (octets: Uint8Array | null): string | null => (octets === null ? null : new TextDecoder().decode(octets))
const warn = (): void => {}

describe('a passphrase', () => {
  it.each([
    ['one line\n', 'one line'],
    ['one line\r\n', 'one line'],
    ['no line end', 'no line end'],
    [' spaces stay \n', ' spaces stay '],
  ])('in a file is %j', async (content, passphrase) => {
    expect(text(await readPassphrase({ file: fileWith(content), prompts: answering(), warn }))).toBe(passphrase)
  })

  it('is refused empty in a file, and told when others can read it', async () => {
    const file = fileWith('\n')
    await expect(readPassphrase({ file, prompts: answering(), warn })).rejects.toMatchObject({ code: 'wrong-use' })
    writeFileSync(file, 'x')
    chmodSync(file, 0o644)
    const told: string[] = []
    await readPassphrase({ file, prompts: answering(), warn: (line) => void told.push(line) })
    expect(told.join()).toContain('chmod 600')
  })

  it('is typed twice when it is new; none is chosen by an empty answer or a flag', async () => {
    const ask = (...answers: string[]) => choosePassphrase({ file: null, prompts: answering(...answers), warn }, false)
    expect(text(await ask('horse', 'horse'))).toBe('horse')
    expect(await ask('')).toBeNull()
    await expect(ask('horse', 'house')).rejects.toMatchObject({ code: 'wrong-use' })
    expect(await choosePassphrase({ file: null, prompts: answering('x'), warn }, true)).toBeNull()
  })

  it('is the same however its letters were composed', async () => {
    const typed = (form: string) => readPassphrase({ file: null, prompts: answering('é'.normalize(form)), warn })
    expect(text(await typed('NFD'))).toBe(text(await typed('NFC')))
  })
})
