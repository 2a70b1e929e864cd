import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { becomeSingleAgent } from './single-agent.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const running = expect.objectContaining({ code: 'agent-running' })

describe('an agent', () => {
  it('is the only one of its device until it ends', () => {
    const end = becomeSingleAgent(folder)
    expect(() => becomeSingleAgent(folder)).toThrow(running)
    end()
    becomeSingleAgent(folder)()
    expect(statSync(join(folder, 'agent.lock')).mode & 0o777).toBe(0o600)
  })

  it('is none any more when its process was killed', async () => {
    const program = `
      const { DatabaseSync } = require('node:sqlite')
      const db = new DatabaseSync(process.argv[1])
      db.exec('BEGIN EXCLUSIVE')
      console.log('locked')
      setInterval(() => {}, 1000)`
    becomeSingleAgent(folder)()
    const child = spawn(process.execPath, ['-e', program, join(folder, 'agent.lock')], { stdio: ['ignore', 'pipe', 2] })
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    expect(() => becomeSingleAgent(folder)).toThrow(running)
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    becomeSingleAgent(folder)()
  })
})
