import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
// @ts-expect-error plain JavaScript, since it runs before there is anything that reads types
import { cacheFolder, findRuntime, isNewEnough } from '../bin/runtime.js'

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

it('knows from which Node on it runs by itself', () => {
  expect(['24.15.0', '24.16.1', '26.10.0'].map(isNewEnough)).toEqual([true, true, true])
  expect(['20.20.2', '24.14.9', '23.99.0'].map(isNewEnough)).toEqual([false, false, false])
})

it('keeps what it can make again in a folder of this user', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/c' })).toBe('/c/keyferry/node')
  expect(cacheFolder({})).toMatch(/\.cache.keyferry.node$/)
})
