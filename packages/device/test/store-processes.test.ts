import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeKeyId, parseId, parseThumbprint } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DeviceStore } from '../src/store/device-store.ts'
import { openDeviceStore } from '../src/store/sqlite/open-device-store.ts'

const CHILD = join(import.meta.dirname, 'children', 'store-child.ts')
const USER = parseThumbprint('8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA')
const KEY = makeKeyId(USER, new Uint8Array(16))
const DL = parseId('dl', 'dl_0kz5s8wc31gks89569erpva0kj')

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'keyferry-processes-')), 'profile')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

async function run(work: string, times: number): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, folder, work, String(times)], {
    timeout: 60_000,
  })
  return stdout
}

function looking<T>(look: (store: DeviceStore) => T): T {
  const store = openDeviceStore(folder)
  try {
    return look(store)
  } finally {
    store.close()
  }
}

/** What T10 leaves: all of it or nothing. */
function installed(store: DeviceStore): unknown[] {
  return [store.sealedKeys.keyOctets(KEY, 1), store.replay.lastGeneration(KEY), store.replay.find(DL, 1)]
}

describe('a process that is killed while it installs a key', () => {
  function killed(work: string): unknown[] {
    const child = spawnSync(process.execPath, [CHILD, folder, work], { timeout: 60_000 })
    expect(child.signal).toBe('SIGKILL')
    return looking(installed)
  }

  it.each(['die-between-writes', 'die-before-commit'])('leaves nothing: %s', (work) => {
    expect(killed(work)).toEqual([null, null, null])
  })

  it('leaves everything once it was committed', () => {
    expect(killed('die-after-commit')).toEqual([
      expect.objectContaining({ key: KEY }),
      1,
      expect.objectContaining({ outcome: { kind: 'receipt', text: 'a.b.c' } }),
    ])
  })
})

describe('several processes on one store', () => {
  it('lose no write, from the first opening on', async () => {
    await Promise.all(Array.from({ length: 3 }, () => run('count', 60)))
    expect(looking((store) => [store.unwrapFailures.count(USER), store.clock.last()])).toEqual([180, 180])
  })

  it('accept each generation once at the most, and go back in none', async () => {
    const accepted = await Promise.all([run('accept', 80), run('accept', 80)])
    expect(accepted.map(Number).reduce((a, b) => a + b)).toBeLessThanOrEqual(80)
    expect(looking((store) => store.replay.lastGeneration(KEY))).toBe(80)
  })
})
