import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { addKey } from '../src/device/add-key.ts'
import { examineOwnLeaves } from '../src/log/own-leaves.ts'
import { VERSION } from '../src/version.ts'
import { tellEvent } from '../src/views/agent-event.ts'
import { keyLines, keyShown } from '../src/views/key.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'
import { aCall, runHere } from './run-here.ts'

describe('on a machine where nothing is yet', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyferry-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it.each([
    ['send', 'x', '--to', 'phone', '--for', '999d'],
    ['transfer', 'retry', 'tr_2ck0', '--for', '91d'],
  ])('a transfer that is to take too long is told how long it may take: %s', async (...argv) => {
    expect(await runHere(folder, ...argv)).toMatchObject({ exit: 2, stderr: expect.stringContaining('1s to 90d') })
  })

  it.each(['keys.example', 'https://keys.example/', 'https://Keys.example', 'https://keys.example:443'])(
    'an origin that is none is told in words what one is: %s',
    async (origin) => {
      const { exit, stderr } = await runHere(folder, 'serve', '--data', folder, '--origin', origin)
      expect(stderr).toContain('Write https://HOST')
      expect(stderr).not.toContain('[a-z')
      expect(exit).toBe(2)
    },
  )

  it('the version is JSON where that is asked for', async () => {
    expect(JSON.parse((await runHere(folder, '--json', '--version')).stdout)).toEqual({ version: VERSION })
    expect((await runHere(folder, '--version')).stdout).toBe(`keyferry ${VERSION}\n`)
  })

  it('alarms that cannot be listed were not to be lifted', async () => {
    expect((await runHere(folder, 'log', 'alarms')).stderr).toContain('keyferry: no alarms shown: ')
    expect((await runHere(folder, 'log', 'alarms', '--lift', '1')).stderr).toContain('keyferry: nothing lifted: ')
  })
})

describe('on a device', () => {
  let deployment: Deployment
  let laptop: TestDevice
  beforeAll(async () => {
    deployment = await aDeployment()
    laptop = await deployment.enrol('marta')
  })
  afterAll(() => deployment.close())

  const aKey = (label: string): Parameters<typeof addKey>[1] => ({
    type: 'secret',
    octets: new Uint8Array(40).fill(7),
    label,
    class: 'user',
    auto: false,
    file: null,
  })

  it('a key whose label looks like an option is changed by what is printed', async () => {
    const record = await addKey(laptop.open, aKey('--yes'))
    expect(keyLines(keyShown(laptop.open, record), '/h').join('\n')).toContain('keyferry key edit --auto -- "--yes"')
    const { exit, stdout } = await runHere(laptop.open.folder, 'key', 'edit', '--auto', '--', '--yes')
    expect(stdout).toContain('keyferry key edit --no-auto -- "--yes"')
    expect(exit).toBe(0)
  })

  it('a key is not added without the server, and the reason is told', async () => {
    laptop.online = false
    const failed = await addKey(laptop.open, aKey('offline')).catch((error: unknown) => error)
    laptop.online = true
    expect(failureOf(failed, 'not added')).toMatchObject({
      exit: 5,
      more: expect.stringContaining('never what is in it'),
    })
    expect(laptop.open.store.keys.labelled('offline')).toEqual([])
  })

  it('a copy of the root is named by its whole path', async () => {
    const passphrase = join(deployment.folder, 'passphrase')
    writeFileSync(passphrase, 'correct horse', { mode: 0o600 })
    const before = process.cwd()
    process.chdir(deployment.folder)
    const argv = ['root', 'export', '--to', 'root.pem', '--export-passphrase-file', passphrase]
    const { stdout } = await runHere(laptop.open.folder, '--json', ...argv).finally(() => process.chdir(before))
    expect(JSON.parse(stdout)).toEqual({ file: join(deployment.folder, 'root.pem') })
  })

  it('a hand-over to a fresh root is no set without devices', async () => {
    const { rotateRoot } = await import('@keyferry/device')
    await rotateRoot(laptop.open)
    const leaves = laptop.open.store.ownStatements
      .list('kf-device-set+jwt')
      .map(({ ref }, index) => ({ index, ref, typ: 'kf-device-set+jwt' }))
    const said = (await examineOwnLeaves(laptop.open, leaves as never)).map(({ what, strange }) => ({ what, strange }))
    expect(said).toContainEqual({ what: expect.stringContaining('hands over to a fresh root key'), strange: false })
    expect(said.some(({ what }) => what.includes(' 0 devices'))).toBe(false)
  })

  it('what the other side has still to do has not ended', () => {
    const call = aCall(laptop.open.folder)
    const place = { output: call.output, now: 0, home: '/h', deviceName: () => 'phone' }
    const finished = { kind: 'finished', dl: 'dl_00000000000000000000000000', reason: null } as const
    tellEvent(place, { ...finished, state: 'released' } as never)
    tellEvent(place, { ...finished, state: 'completed' } as never)
    expect(call.stdout.text).toMatch(/released: this device has nothing more to do for it\n.*ended: completed\n/)
  })
})
