import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { becomeSingleAgent } from './single-agent.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('lets an agent be the only one of its device until it ends', () => {
  const end = becomeSingleAgent(folder)
  expect(() => becomeSingleAgent(folder)).toThrow(expect.objectContaining({ code: 'agent-running' }))
  end()
  becomeSingleAgent(folder)()
  expect(statSync(join(folder, 'agent.lock')).mode & 0o777).toBe(0o600)
})
