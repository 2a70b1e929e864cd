import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addKey } from '../src/device/add-key.ts'
import { anEnrolmentWorld, type EnrolmentWorld, type Profile } from './enrolment-world.ts'
import { runHere } from './run-here.ts'

let world: EnrolmentWorld
let profile: Profile
beforeEach(async () => {
  const { makeFirstDevice, openDevice } = await import('@keyferry/device')
  world = await anEnrolmentWorld()
  profile = await world.profile()
  await makeFirstDevice(profile.parts, await world.invitation('marta'), 'laptop')
  const { transport, store } = profile.parts
  const open = await openDevice(profile.folder, { askPassphrase: async () => null, transport })
  const octets = new Uint8Array(32)
  await addKey(open, { type: 'secret', octets, label: 'ssh', class: 'user', auto: false, file: null })
  open.store.close()
  store.close()
  // As on a disk that is read-only, for root too: SQLite cannot make what it needs beside the database.
  mkdirSync(join(profile.folder, 'device.db-shm'), { mode: 0o700 })
})
afterEach(() => world.server.close())

describe('a profile that cannot be written', () => {
  it('shows its keys', async () => {
    expect(await runHere(profile.folder, 'key', 'list')).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^ssh/),
    })
  })

  it('takes no key, and says why and what to do', async () => {
    const { exit, stderr } = await runHere(profile.folder, 'key', 'generate', 'another')
    expect({ exit, stderr }).toMatchObject({ exit: 1, stderr: expect.stringContaining('disk-read-only') })
    expect(stderr).toMatch(/cannot write its own state[\s\S]*hint: let yourself write/)
  })

  it('is what doctor finds', async () => {
    const { stdout } = await runHere(profile.folder, 'doctor')
    expect(stdout).toMatch(/^folder .*cannot write its own state/m)
  })
})
