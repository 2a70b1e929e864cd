import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeMasterKey } from '@keyferry/device'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { install, uninstall } from '../src/service/install-service.ts'
import { UNIT_NAME } from '../src/service/systemd-unit.ts'
import { aCall } from './run-here.ts'

let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-service-'))
  await makeMasterKey(join(folder, 'profile'), null)
})
afterEach(() => rmSync(folder, { recursive: true }))

const called = (): ReturnType<typeof aCall> => {
  const call = aCall(join(folder, 'profile'))
  return { ...call, system: { ...call.system, home: folder } }
}
const unit = (): string => join(folder, '.config', 'systemd', 'user', UNIT_NAME)
const works = async (): Promise<void> => {}
const fails = async (): Promise<void> => {
  throw new Error('no bus')
}

describe.skipIf(process.platform !== 'linux')('the service of the agent', () => {
  it('is there after it was installed, and gone after it was taken out', async () => {
    await install(called(), works)
    expect(readFileSync(unit(), 'utf8')).toContain(join(folder, 'profile'))
    await uninstall(called(), works)
    expect(existsSync(unit())).toBe(false)
  })

  it('leaves nothing behind where systemd does not start it', async () => {
    await expect(install(called(), fails)).rejects.toMatchObject({ code: 'not-supported-here' })
    expect(readdirSync(folder)).toEqual(['profile'])
  })

  it('stays as it was when a new one does not start', async () => {
    await install(called(), works)
    writeFileSync(unit(), 'before')
    await expect(install(called(), fails)).rejects.toMatchObject({ code: 'not-supported-here' })
    expect(readFileSync(unit(), 'utf8')).toBe('before')
  })

  it('can be taken out where no systemd runs', async () => {
    await install(called(), works)
    await uninstall(called(), fails)
    expect(existsSync(unit())).toBe(false)
    await expect(uninstall(called(), works)).rejects.toMatchObject({ code: 'nothing-to-do' })
  })
})
