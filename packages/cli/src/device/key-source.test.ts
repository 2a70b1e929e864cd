import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { MAX_KEY_FILE_OCTETS } from '@keyferry/device'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Invocation } from '../invocation.ts'
import { readKeySource } from './key-source.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-source-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function called(stdin: Readable = Readable.from([])): Invocation {
  return { system: { stdin } } as unknown as Invocation
}

const wrongUse = (why: RegExp): unknown =>
  expect.objectContaining({ code: 'wrong-use', message: expect.stringMatching(why), hint: expect.any(String) })

function file(octets: Uint8Array): string {
  writeFileSync(join(folder, 'key'), octets)
  return join(folder, 'key')
}

describe('the content of a key', () => {
  it('is what the file holds, or what comes by standard input', async () => {
    expect(await readKeySource(called(), file(Buffer.from('key')))).toEqual(Buffer.from('key'))
    expect(await readKeySource(called(Readable.from(['k', 'ey'])), '-')).toEqual(Buffer.from('key'))
  })

  it.each([0, MAX_KEY_FILE_OCTETS + 1, 5_000_000])('is not read from a file of %i octets', async (length) => {
    await expect(readKeySource(called(), file(Buffer.alloc(length)))).rejects.toEqual(wrongUse(/is empty|is too big/))
  })

  it.skipIf(process.platform === 'win32')('is not waited for at a pipe, nor sought in a device or folder', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(readKeySource(called(), join(folder, 'pipe'))).rejects.toEqual(wrongUse(/no plain file/))
    await expect(readKeySource(called(), '/dev/zero')).rejects.toEqual(wrongUse(/no plain file/))
    await expect(readKeySource(called(), folder)).rejects.toEqual(wrongUse(/a folder/))
  })

  it('is not taken from standard input without end, nor from a keyboard', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1000)
      })(),
    )
    await expect(readKeySource(called(endless), '-')).rejects.toEqual(wrongUse(/too big/))
    const keyboard = Object.assign(Readable.from([]), { isTTY: true })
    await expect(readKeySource(called(keyboard), '-')).rejects.toEqual(wrongUse(/terminal/))
  })
})
