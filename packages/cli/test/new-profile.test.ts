import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { becomeSingleEnrolment, makeMasterKey, openDeviceStore } from '@keyferry/device'
import { makePairingString, makeVkey } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Ran, runHere } from './run-here.ts'

let profile: string
beforeEach(() => {
  profile = mkdtempSync(join(tmpdir(), 'keyferry-'))
})
afterEach(() => rmSync(profile, { recursive: true, force: true }))

const LOG = makeVkey('localhost:1/log', 'log', new Uint8Array(32).fill(7)).text

/** Nobody listens there. */
function init(): Promise<Ran> {
  const code = '0gmmd56n4tb9hm6e934yanmx9m'
  const text = makePairingString({ origin: 'https://localhost:1', username: 'marta', log: LOG, code })
  return runHere(profile, 'init', '--no-passphrase', text)
}

async function aDevice(): Promise<void> {
  openDeviceStore(profile).close()
  await makeMasterKey(profile, null)
}

describe('a device that is made', () => {
  it('leaves nothing behind if the server was never reached', async () => {
    expect((await init()).exit).toBe(5)
    expect(existsSync(profile)).toBe(false)
  })

  it.each([
    ['is gone', (path: string) => renameSync(path, join(profile, 'elsewhere.db'))],
    ['is empty', (path: string) => writeFileSync(path, '')],
  ])('never takes the place of one whose database %s', async (_how, lose) => {
    await aDevice()
    for (const end of ['-wal', '-shm']) rmSync(join(profile, `device.db${end}`), { force: true })
    lose(join(profile, 'device.db'))
    const before = readdirSync(profile)
    for (const ran of [await init(), await runHere(profile, 'key', 'list')]) {
      expect(ran.stderr).toMatch(
        /the files of this device are damaged \(profile-damaged\)\n {2}hint: device\.db is gone or/,
      )
    }
    expect(readdirSync(profile)).toEqual(before)
    expect(readdirSync(profile)).toContain('master.key')
  })

  it('is made by one command at a time, and another one takes nothing away', async () => {
    const end = becomeSingleEnrolment(profile)
    await aDevice()
    const ran = await init()
    expect(ran.stderr).toMatch(/not made: another command makes a device in this folder \(enrolment-running\)/)
    expect(readdirSync(profile)).toEqual(expect.arrayContaining(['device.db', 'master.key']))
    end()
    expect(readdirSync(profile)).not.toContain('enrolment.lock')
  })
})
