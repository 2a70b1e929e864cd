import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryDeviceStore, openDeviceStore } from './open-device-store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const failed = (reason: string): object => expect.objectContaining({ code: 'store-failed', details: { reason } })

describe('a store that cannot be written', () => {
  it('says that the disk is full', () => {
    let full = false
    const store = memoryDeviceStore({
      beforeCommit() {
        if (full) throw Object.assign(new Error('database is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
      },
    })
    store.clock.raise(1)
    full = true
    expect(() => store.transaction(() => store.clock.raise(2))).toThrow(failed('disk-full'))
    expect(store.clock.last()).toBe(1)
    store.close()
  })

  it('can be read all the same, and says at each write that it cannot', () => {
    const before = openDeviceStore(folder)
    before.clock.raise(7)
    before.close()
    // What SQLite has to make beside the database cannot be made: so it is on a disk that is read-only, whoever runs this.
    mkdirSync(join(folder, 'device.db-shm'), { mode: 0o700 })
    const store = openDeviceStore(folder)
    expect(store.clock.last()).toBe(7)
    expect(() => store.clock.raise(8)).toThrow(failed('disk-read-only'))
    expect(() => store.transaction(() => store.unwrapFailures.add('x' as never))).toThrow(failed('disk-read-only'))
    store.close()
  })
})
