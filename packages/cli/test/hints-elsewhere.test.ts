import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportRootPaper, readRootPaper, revokeDevice, rotateRoot, takeRoot } from '@keyferry/device'
import { KeyferryError } from '@keyferry/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { explainInvitation, explainPairing } from '../src/device/invitation.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'
import { runHere } from './run-here.ts'

let deployment: Deployment
let laptop: TestDevice
let phone: TestDevice
beforeAll(async () => {
  deployment = await aDeployment()
  laptop = await deployment.enrol('marta')
  phone = await deployment.pair(laptop)
})
afterAll(() => deployment.close())

const file = (name: string, content: string): string => {
  const path = join(deployment.folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

describe('where the root key is not', () => {
  const passphrase = (): string => file('passphrase', 'correct horse')

  it.each<[string, () => readonly string[]]>([
    ['root rotate', () => ['root', 'rotate', '--yes']],
    [
      'root export',
      () => ['root', 'export', '--to', join(deployment.folder, 'r'), '--export-passphrase-file', passphrase()],
    ],
    ['device add', () => ['device', 'add', '--yes']],
  ])('%s fails and says where to go, as if nobody had said no', async (_, argv) => {
    const { exit, stderr } = await runHere(phone.open.folder, ...argv())
    expect(stderr).toContain('this device does not hold your root key (root-elsewhere)')
    expect(stderr).toContain('hint: do it on the device that does, or bring the root here: keyferry root import')
    expect(exit).toBe(1)
  })

  it('device revoke does the same', async () => {
    const { id } = laptop.open.device.signer
    const failure = failureOf(await revokeDevice(phone.open, id).catch((error: unknown) => error), 'not revoked')
    expect(failure).toMatchObject({ code: 'root-elsewhere', exit: 1 })
  })

  it('a copy from before a rotation is out of date, and no attack', async () => {
    const old = readRootPaper(exportRootPaper(laptop.open))
    await rotateRoot(laptop.open)
    const failure = failureOf(await takeRoot(phone.open, old).catch((error: unknown) => error), 'not imported')
    expect(failure).toMatchObject({ code: 'root-outdated', exit: 1, hint: expect.stringContaining('root export') })
    expect(failure.hint).not.toContain('evidence')
  })
})

describe('a pairing that ends', () => {
  it.each([
    ['mac-invalid', explainPairing],
    ['declined', explainPairing],
    ['mac-invalid', explainInvitation],
    ['declined', explainInvitation],
  ] as const)('with %s sends to a new string, and to no transfer', (code, explain) => {
    const thrown = (): unknown => {
      try {
        return explain(new KeyferryError(code, 'so it is'))
      } catch (error) {
        return error
      }
    }
    const { hint } = failureOf(thrown(), 'not added')
    expect(hint).toContain('keyferry device add')
    expect(hint).not.toMatch(/evidence|said no/)
  })
})
