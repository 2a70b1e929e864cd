import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
// @ts-expect-error plain JavaScript, since it runs before there is anything that reads types
import { cacheFolder, findRuntime, isNewEnough } from '../bin/runtime.js'
import { freePort } from '../demo/places.ts'

const OLD_NODE = ['/usr/local/bin/node', '/usr/bin/node'].find(
  (path) => existsSync(path) && /^v(?:1\d|2[0-3])\./.test(execFileSync(path, ['--version'], { encoding: 'utf8' })),
)

it('finds the runtime that is pinned for this machine, and none for another', () => {
  expect(findRuntime()).toMatch(/node(\.exe)?$/)
  expect(findRuntime('plan9-mips')).toBeNull()
})

it.skipIf(OLD_NODE === undefined)('runs under an old Node on the pinned one, and hands its exit code on', () => {
  const launcher = join(import.meta.dirname, '../bin/keyferry.js')
  expect(execFileSync(OLD_NODE as string, [launcher, '--version'], { encoding: 'utf8' })).toMatch(/^keyferry \d/)
  expect(() => execFileSync(OLD_NODE as string, [launcher, 'sing'], { stdio: 'pipe' })).toThrow(
    expect.objectContaining({ status: 2 }),
  )
})

it.skipIf(OLD_NODE === undefined)(
  'leaves nothing behind under an old Node, however it is ended',
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyferry-launcher-'))
    try {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
        const served = ['serve', '--data', join(folder, signal), '--port', String(await freePort())]
        const launcher = spawn(OLD_NODE as string, [join(import.meta.dirname, '../bin/keyferry.js'), ...served], {
          env: { ...process.env, HOME: folder },
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        await once(launcher.stdout, 'data')
        const child = childOf(launcher)
        launcher.kill(signal)
        await once(launcher, 'exit')
        while (isRunning(child)) await new Promise((resolve) => setTimeout(resolve, 20))
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

function childOf({ pid }: ChildProcess): number {
  return Number(execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }))
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it('knows from which Node on it runs by itself', () => {
  expect(['24.15.0', '24.16.1', '26.10.0'].map(isNewEnough)).toEqual([true, true, true])
  expect(['20.20.2', '24.14.9', '23.99.0'].map(isNewEnough)).toEqual([false, false, false])
})

it('keeps what it can make again in a folder of this user', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/c' })).toBe('/c/keyferry/node')
  expect(cacheFolder({})).toMatch(/\.cache.keyferry.node$/)
})
