import { makeFirstDevice, type OpenDevice, openDevice, renewOwn, systemTime } from '@keyferry/device'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { examine } from '../src/doctor/examine.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { anEnrolmentWorld, type EnrolmentWorld, type Profile } from './enrolment-world.ts'

const HOUR_SECONDS = 3600
const DAY_SECONDS = 86_400

let world: EnrolmentWorld
let laptop: Profile
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - HOUR_SECONDS * 1000 })
  world = await anEnrolmentWorld()
  laptop = await world.profile()
  await makeFirstDevice(laptop.parts, await world.invitation('marta'), 'laptop')
})
afterEach(async () => {
  vi.useRealTimers()
  await world.close()
})

/** One process of the device on a machine whose clock is wrong by so many seconds. */
async function withClock<T>(offSeconds: number, work: (open: OpenDevice) => Promise<T>): Promise<T> {
  const { transport } = laptop.parts
  const clock = (): number => systemTime() + offSeconds
  const open = await openDevice(laptop.folder, { askPassphrase: async () => null, transport, clock })
  try {
    return await work(open)
  } finally {
    open.store.close()
  }
}

async function findings(open: OpenDevice): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for await (const finding of examine(open)) found.push(finding)
  return found
}

const ask = (open: OpenDevice): Promise<unknown> => open.client.call({ method: 'GET', path: '/.well-known/keyferry' })

const askSigned = (open: OpenDevice): Promise<unknown> => {
  const { user } = open.store.seen.state()
  return open.client.call({ method: 'GET', path: `/v1/users/${user}` })
}

describe('a clock that is wrong', () => {
  it('is told from somebody between, with by how much', async () => {
    const failure = failureOf(await withClock(600, ask).catch((error: unknown) => error), 'not sent')
    expect(failure).toMatchObject({ code: 'response-invalid', why: expect.stringMatching(/10 min ahead/) })
    expect(failure.hint).toMatch(/set the clock/)
  })

  it('is what doctor names, and not the server', async () => {
    const found = await withClock(600, findings)
    expect(found.find(({ what }) => what === 'server')).toMatchObject({ state: 'ok' })
    expect(found.find(({ what }) => what === 'clock')).toMatchObject({
      state: 'bad',
      text: expect.stringMatching(/10 min/),
    })
  })

  it('is what doctor names, and nothing else for its sake, from where it matters', async () => {
    // By the `date` of answers, which is no time of tests; an hour later the device has seen none that is nearer.
    vi.setSystemTime(vi.getRealSystemTime())
    const states: unknown[] = []
    for (const offSeconds of [-250, -120, -20, 20, 45, 70, 120]) {
      const found = await withClock(offSeconds, findings)
      const wrong = found.filter(({ what, state }) => what !== 'witness' && state !== 'ok')
      states.push([offSeconds, ...wrong.map(({ what, state }) => `${what} ${state}`)])
    }
    expect(states).toEqual([
      [-250, 'clock care'],
      [-120, 'clock care'],
      [-20],
      [20],
      [45, 'clock care'],
      [70, 'clock bad'],
      [120, 'clock bad'],
    ])
  })

  it.each([61, 250])('is no alarm when it is %i s ahead: the command says so, and by how much', async (offSeconds) => {
    const failure = failureOf(await withClock(offSeconds, askSigned).catch((error: unknown) => error), 'not sent')
    expect(failure).toMatchObject({
      code: 'signature-expired',
      why: expect.stringContaining(`${offSeconds} s ahead`),
      exit: 1,
    })
    expect(failure.hint).toMatch(/set the clock .* 60 s ahead/)
  })

  it.each([-120, -200, -290, 59])('does no harm while it is %i s off, whatever was seen before', async (offSeconds) => {
    vi.setSystemTime(Date.now() + HOUR_SECONDS * 1000)
    await withClock(offSeconds, askSigned)
    await withClock(0, askSigned)
    await withClock(offSeconds, askSigned)
    vi.setSystemTime(Date.now() + 10_000)
    await withClock(offSeconds, askSigned)
  })

  it('is forgotten as soon as it is right again', async () => {
    await withClock(10 * DAY_SECONDS, (open) => renewOwn(open).catch(() => {}))
    await withClock(0, async (open) => {
      await ask(open)
      expect(open.store.alarms.open()).toEqual([])
    })
  })
})

describe('the time of a device', () => {
  it('does not run back behind what clock and server agreed on, and the alarm about it ends with its cause', async () => {
    await withClock(0, ask)
    await withClock(-10 * DAY_SECONDS, async (open) => {
      expect(systemTime() - open.now()).toBeLessThan(60)
      expect(open.store.alarms.open()).toMatchObject([{ reason: 'clock-behind' }])
    })
    await withClock(0, async (open) => expect(open.store.alarms.open()).toEqual([]))
  })

  it.each([
    ['server', -250],
    ['clock', 250],
  ])('is pushed ahead by no %s alone', async (_, offSeconds) => {
    vi.setSystemTime(Date.now() + 2 * HOUR_SECONDS * 1000)
    await withClock(offSeconds, ask)
    const seen = await withClock(0, async (open) => open.store.clock.last())
    expect(systemTime() - seen).toBeGreaterThanOrEqual(Math.max(0, -offSeconds))
    expect(systemTime() - seen).toBeLessThan(300)
  })
})
