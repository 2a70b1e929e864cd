import type { OpenDevice } from '@keyferry/device'
import { makePinText } from '@keyferry/protocol'
import { exampleSigner } from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deviceFingerprint } from '../src/console/ids.ts'
import { nameDevice } from '../src/device/device-names.ts'
import { nameTarget, ownTargets } from '../src/device/people.ts'
import { anEnrolmentWorld, type EnrolmentWorld, ORIGIN, pair } from './enrolment-world.ts'
import { type Ran, runHere } from './run-here.ts'

const other = exampleSigner('luis').id
const third = exampleSigner('ana').id

let world: EnrolmentWorld
let laptop: OpenDevice
beforeEach(async () => {
  world = await anEnrolmentWorld()
  laptop = await world.first('marta')
  const newcomer = await world.profile()
  await pair(laptop, newcomer)
  nameDevice(laptop, newcomer.parts.device.signer.id, 'phone')
})
afterEach(() => world.close())

const pin = (user: typeof other, username: string): Promise<Ran> =>
  runHere(laptop.folder, 'user', 'pin', makePinText({ origin: ORIGIN, user, username }))

describe('a name that is a device and a person', () => {
  it('is none to send to', async () => {
    laptop.store.pins.put({ user: other, username: 'phone', root: null, how: 'pinned', since: 1 })
    await expect(nameTarget(laptop, 'phone')).rejects.toMatchObject({ code: 'name-ambiguous' })
  })

  it.each(['phone', 'laptop', 'marta'])('is not pinned: %s', async (name) => {
    expect(await pin(other, name)).toMatchObject({ exit: 2, stderr: expect.stringContaining(`"${name}"`) })
    expect(laptop.store.pins.list()).toEqual([])
  })
})

describe('a name to invite', () => {
  it.each(['', 'x'.repeat(200), 'Marta', '../', '-rf'])('is refused before the server is asked: %s', async (name) => {
    const { exit, stderr } = await runHere(laptop.folder, 'user', 'invite', '--', name)
    expect(stderr).toContain('this can be no user name (wrong-use)')
    expect(stderr).toContain('1 to 128 lower-case letters')
    expect(exit).toBe(2)
  })
})

describe('a device to send to', () => {
  it('is named by its fingerprint too', async () => {
    const [phone] = await ownTargets(laptop)
    const digits = deviceFingerprint(phone?.id ?? '')
    for (const typed of [digits, digits.slice(0, 4), digits.replaceAll(' ', '')]) {
      expect(await nameTarget(laptop, typed)).toMatchObject({ kind: 'device', device: phone?.id })
    }
  })

  it('is not this very one', async () => {
    const own = deviceFingerprint(laptop.device.signer.id)
    for (const typed of ['laptop', own]) {
      await expect(nameTarget(laptop, typed)).rejects.toMatchObject({ message: expect.stringContaining('this device') })
    }
  })
})

describe('somebody who is pinned', () => {
  it('is said not to be at this server', async () => {
    expect(await pin(other, 'luis')).toMatchObject({ exit: 0 })
    await expect(nameTarget(laptop, 'luis')).rejects.toMatchObject({
      code: 'name-unknown',
      message: expect.stringContaining('that you pinned as "luis"'),
    })
  })

  it('keeps the name, whatever another text says', async () => {
    expect(await pin(other, 'luis')).toMatchObject({ exit: 0 })
    expect(await pin(other, 'luis')).toMatchObject({ exit: 0 })
    expect(await pin(other, 'lucia')).toMatchObject({ exit: 2, stderr: expect.stringContaining('as "luis"') })
    expect(laptop.store.pins.list()).toMatchObject([{ user: other, username: 'luis' }])
  })

  it.each([
    ['../', "'../'"],
    ['two words', '"two words"'],
    ['$(x)', "'$(x)'"],
  ])('is shown in quotes where the name is an odd one, which the protocol allows: %s', async (name, shown) => {
    const { stdout, stderr } = await pin(other, name)
    expect(stdout).toContain(`Pinned ${shown}   `)
    expect(stderr).toContain('look at it twice')
    expect((await runHere(laptop.folder, 'user', 'pin')).stdout).toContain(`${shown}   `)
    expect((await pin(other, 'luis')).stderr).toContain(`--remove ${shown},`)
  })

  it('is somebody else', async () => {
    const { user } = laptop.store.seen.state()
    expect(await pin(user, 'ana')).toMatchObject({ exit: 2, stderr: expect.stringContaining('that is you') })
    expect(await pin(third, 'ana')).toMatchObject({ exit: 0 })
  })
})
