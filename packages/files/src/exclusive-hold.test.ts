import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { holdExclusively } from './exclusive-hold.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-files-'))
  path = join(folder, 'lock')
  writeFileSync(path, '', { mode: 0o600 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function take(): () => void {
  const giveBack = holdExclusively(path)
  if (giveBack === null) throw new Error('it is held')
  return giveBack
}

describe('an exclusive hold', () => {
  it('is one at a time, until it is given back, and writes nothing', () => {
    const giveBack = take()
    expect(holdExclusively(path)).toBeNull()
    giveBack()
    take()()
    expect(statSync(path)).toMatchObject({ size: 0 })
  })

  it('ends with the process that had it, even one that was killed', async () => {
    const program = `
      import { holdExclusively } from ${JSON.stringify(new URL('./exclusive-hold.ts', import.meta.url))}
      if (holdExclusively(process.argv[1]) !== null) console.log('held')
      setInterval(() => {}, 1000)`
    const options = ['--input-type=module', '-e', program, path]
    const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(holdExclusively(path)).toBeNull()
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    take()()
  })

  it('is not confused with a file that cannot be held at all', () => {
    expect(() => holdExclusively(join(folder, 'none', 'lock'))).toThrow(expect.objectContaining({ errcode: 14 }))
    writeFileSync(path, 'no database, and nothing that this made')
    expect(() => holdExclusively(path)).toThrow(expect.objectContaining({ errcode: 26 }))
  })
})
