import { type Client, newestSet, type OpenDevice, rotateRoot, signNextSet } from '@keyferry/device'
import { type DeviceSetPayload, deviceSetStatement, type Statement, signStatement, utf8 } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { examineOwnLeaves, type LeafFinding } from '../src/log/own-leaves.ts'
import { publicLog } from '../src/log/public-log.ts'
import { verifyLog } from '../src/log/verify-log.ts'
import { anEnrolmentWorld, type EnrolmentWorld, pair } from './enrolment-world.ts'

let world: EnrolmentWorld
let laptop: OpenDevice
let phone: OpenDevice
beforeEach(async () => {
  world = await anEnrolmentWorld()
  laptop = await world.first('marta')
  const newcomer = await world.profile()
  await pair(laptop, newcomer)
  phone = await world.open(newcomer)
})
afterEach(() => world.close())

/** What is in the log about the user, as soon as it is so much. */
async function ownLeaves(open: OpenDevice, count: number): Promise<readonly LeafFinding[]> {
  for (;;) {
    const { own } = await verifyLog(open, publicLog(open), () => {})
    if (own.length >= count) return examineOwnLeaves(open, own)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** What a thief of the root signs. */
async function byOldRoot(seq: number): Promise<Statement<DeviceSetPayload>> {
  const [root, before] = [laptop.device.rootSigner(), newestSet(laptop)]
  if (root === null || before === null) throw new Error('the laptop holds the root')
  return signStatement(deviceSetStatement, root, { ...before.payload, seq, prev: before.ref })
}

describe('reading the log on a device that has not heard of it yet', () => {
  it('knows the own sets after a fresh root took over', async () => {
    const before = (await ownLeaves(phone, 4)).length
    await rotateRoot(laptop)
    await signNextSet(laptop)
    const found = await ownLeaves(phone, before + 3)
    expect(found.filter(({ strange }) => strange)).toEqual([])
    expect((await ownLeaves(laptop, found.length)).filter(({ strange }) => strange)).toEqual([])
  })

  it('finds a set that a root signed which had handed over', async () => {
    const late = await byOldRoot(9)
    await rotateRoot(laptop)
    const seen = await ownLeaves(phone, 6)
    const index = seen.length
    const client: Client = {
      ...phone.client,
      call: (call) =>
        call.path.endsWith(late.ref)
          ? Promise.resolve({
              status: 200,
              content: utf8(late.text),
              header: () => undefined,
              json: () => ({}) as never,
            })
          : phone.client.call(call),
    }
    const leaves = [...seen, { index, typ: 'kf-device-set+jwt', ref: late.ref }]
    const found = await examineOwnLeaves({ ...phone, client }, leaves)
    expect(found.at(-1)).toMatchObject({ index, strange: true })
    const fooled = found.slice(0, -1).filter(({ strange }) => strange)
    expect(fooled).toEqual([])
  })
})
