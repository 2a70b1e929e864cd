import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hintFor } from '../src/console/hints.ts'
import { examine } from '../src/doctor/examine.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'
import { type Ran, runHere } from './run-here.ts'

const note = (size: number): string => `keys.example/log\n${size}\nroot${size}\n\n— keys.example/log sig\n`

let deployment: Deployment
let laptop: TestDevice
beforeEach(async () => {
  deployment = await aDeployment()
  laptop = await deployment.enrol('marta')
  const facts = { mine: note(812), shown: note(815) }
  const { alarms } = laptop.open.store
  alarms.raise({ reason: 'log-inconsistent', subject: 'https://keys.example', facts, at: laptop.open.now() })
  alarms.raise({ reason: 'proof-invalid', subject: 'dl_1', facts: { attempt: 1, why: 'no' }, at: laptop.open.now() })
})
afterEach(() => deployment.close())

const typed = (...argv: readonly string[]): Promise<Ran> => runHere(laptop.open.folder, 'log', 'alarms', ...argv)

describe('an alarm', () => {
  it('is listed with what is kept, whole in JSON', async () => {
    const { stdout } = await typed()
    expect(stdout.split('\n')).toEqual([
      '1  log-inconsistent about https://keys.example, just now   all transfers stand still',
      '   kept: two notes that the log signed: one of 812 entries, seen before; one of 815 entries, shown then; whole: keyferry log alarms --json',
      '2  proof-invalid about dl_1, just now',
      '   kept: attempt 1, why no',
      '',
    ])
    const [first = ''] = (await typed('--json')).stdout.split('\n')
    expect(JSON.parse(first)).toMatchObject({ id: 1, facts: { mine: note(812), shown: note(815) } })
  })

  it('that stops all transfers is lifted by a human, and by nobody who was not asked', async () => {
    await expect(laptop.pass()).rejects.toMatchObject({ code: 'log-inconsistent' })
    expect(await typed('--lift', '1')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('contradicted itself'),
    })
    await expect(laptop.pass()).rejects.toMatchObject({ code: 'log-inconsistent' })
    expect(await typed('--lift', '1', '--yes', '--json')).toMatchObject({
      exit: 0,
      stdout: '{"id":1,"reason":"log-inconsistent","subject":"https://keys.example","state":"lifted"}\n',
    })
    await laptop.pass()
    expect(laptop.open.store.alarms.open()).toMatchObject([{ id: 2 }])
  })

  it('about an owner whose keys could not be opened is lifted, and keys of that owner are opened again', async () => {
    const { alarms, seen, unwrapFailures } = laptop.open.store
    const { user } = seen.state()
    for (let n = 0; n < 8; n++) unwrapFailures.add(user)
    alarms.raise({ reason: 'owner-unopenable', subject: user, facts: { failures: 8 }, at: laptop.open.now() })
    expect(unwrapFailures.count(user)).toBe(8)
    expect((await typed('--lift', '3', '--yes')).exit).toBe(0)
    expect(unwrapFailures.count(user)).toBe(0)
  })

  it('is lifted once, and only where there is one', async () => {
    expect((await typed('--lift', '2', '--yes')).exit).toBe(0)
    expect(await typed('--lift', '2', '--yes')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('name-unknown'),
    })
    expect((await typed('--lift', 'all', '--yes')).exit).toBe(1)
  })

  it('says where it is met how it is lifted', async () => {
    const found: Finding[] = []
    for await (const finding of examine(laptop.open)) found.push(finding)
    expect(found.filter(({ what }) => what === 'alarm').map(({ hint }) => hint)).toEqual([
      expect.stringContaining('keyferry log alarms --lift 1'),
      expect.stringContaining('keyferry log alarms --lift 2'),
    ])
    expect(hintFor('log-inconsistent')).toContain('keyferry log alarms')
  })
})
