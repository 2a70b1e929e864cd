import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDevice } from './open-device.ts'
import { openDeviceStore } from './store/sqlite/open-device-store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-open-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const opening = (path: string): Promise<unknown> => openDevice(path, { askPassphrase: async () => null })

it('tells a device that is not there from one that lost a part, and from what is no folder', async () => {
  await expect(opening(join(folder, 'none'))).rejects.toMatchObject({ code: 'profile-absent' })
  mkdirSync(join(folder, 'empty'), { mode: 0o700 })
  await expect(opening(join(folder, 'empty'))).rejects.toMatchObject({ code: 'profile-absent' })
  writeFileSync(join(folder, 'file'), '')
  await expect(opening(join(folder, 'file'))).rejects.toMatchObject({ code: 'profile-unusable' })
  openDeviceStore(join(folder, 'keyless')).close()
  await expect(opening(join(folder, 'keyless'))).rejects.toMatchObject({ code: 'profile-incomplete' })
})
