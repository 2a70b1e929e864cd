import { type KeyRecord, type Question, startTransfer } from '@keyferry/device'
import { type DeviceId, type SetDevice, utf8 } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { addKey } from '../src/device/add-key.ts'
import { answerQuestion, knowWhose } from '../src/device/answer-question.ts'
import type { NamedTarget } from '../src/device/people.ts'
import { withoutSecond } from '../src/device/without-second.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'
import { aCall, type TestCall } from './run-here.ts'

let deployment: Deployment
let marta: TestDevice
let tablet: TestDevice
let call: TestCall
beforeEach(async () => {
  deployment = await aDeployment()
  marta = await deployment.enrol('marta')
  tablet = await deployment.enrol('luis')
  pin(marta, tablet)
  call = aCall(tablet.open.folder)
})
afterEach(() => deployment.close())

function pin(by: TestDevice, whom: TestDevice): void {
  const { user, username } = whom.open.store.seen.state()
  by.open.store.pins.put({ user, username, root: null, how: 'pinned', since: by.open.now() })
}

async function sends(redelivery = false): Promise<void> {
  const record = marta.open.store.keys.list()[0] ?? (await aKey())
  const { user } = tablet.open.store.seen.state()
  const targets = [{ user, username: 'luis' }]
  await startTransfer(marta.open, { record, targets, confirmed: true, deadline: marta.open.now() + 3600, redelivery })
  await marta.pass()
  await tablet.pass()
}

function aKey(): Promise<KeyRecord> {
  const octets = utf8('a secret of exactly forty octets, no more.')
  const facts = { type: 'secret', octets, label: 'team vault', class: 'shared', auto: false, file: null } as const
  return addKey(marta.open, facts)
}

function asked(): Question {
  const [question] = tablet.open.store.questions.open()
  if (question === undefined) throw new Error('nothing is asked')
  return question
}

async function state(): Promise<readonly string[]> {
  const answer = await marta.open.client.call({ method: 'GET', path: '/v1/transfers?limit=50' })
  const { items } = JSON.parse(Buffer.from(answer.content).toString()) as {
    items: { deliveries: { state: string }[] }[]
  }
  return items.flatMap(({ deliveries }) => deliveries.map((delivery) => delivery.state))
}

const yes = { answer: 'yes', reason: null } as const
const no = { answer: 'no', reason: null } as const

describe('a key of somebody who is not pinned', () => {
  it('waits, whatever is answered, and comes once he is pinned', async () => {
    await sends()
    const failure = failureOf(await knowWhose(call, tablet.open, asked()).catch((error: unknown) => error), 'not')
    expect(failure).toMatchObject({ code: 'owner-untrusted', exit: 4, hint: expect.stringContaining('user pin') })
    await answerQuestion(call, tablet.open, asked(), yes)
    expect(await state()).toEqual(['released'])
    pin(tablet, marta)
    await tablet.pass()
    const told = tablet.events.flatMap((event) => (event.kind === 'asks' ? [event.label] : []))
    expect(told).toEqual(['a key of somebody unknown', 'a key of marta'])
    await answerQuestion(call, tablet.open, await knowWhose(call, tablet.open, asked()), yes)
    expect(await state()).toEqual(['completed'])
  })

  it('is known as soon as he is pinned, without an agent between', async () => {
    await sends()
    const before = asked()
    pin(tablet, marta)
    const now = await knowWhose(call, tablet.open, before)
    expect(now.facts).toMatchObject({ how: 'pinned', username: 'marta' })
  })
})

describe('a key that was sent', () => {
  const again = async (...others: readonly NamedTarget[]): Promise<readonly NamedTarget[]> => {
    const { user } = tablet.open.store.seen.state()
    const devices = [{ id: tablet.open.device.signer.id } as SetDevice]
    const [record] = marta.open.store.keys.list()
    const luis: NamedTarget = { kind: 'user', user, username: 'luis', devices }
    told.length = 0
    return withoutSecond(marta.open, record as KeyRecord, [luis, ...others], (text) => told.push(text))
  }
  const told: string[] = []

  it('is not sent once more unless its human says so', async () => {
    pin(tablet, marta)
    await sends()
    const onItsWay = failureOf(await again().catch((error: unknown) => error), 'not sent')
    expect(onItsWay).toMatchObject({ code: 'already-sent', exit: 1, why: expect.stringContaining('on its way') })
    await answerQuestion(call, tablet.open, asked(), yes)
    const arrived = failureOf(await again().catch((error: unknown) => error), 'not sent')
    expect(arrived).toMatchObject({
      why: expect.stringContaining('luis has'),
      hint: expect.stringContaining('--again'),
    })
    const desk: NamedTarget = { kind: 'device', device: 'D'.repeat(43) as DeviceId, shown: 'desk' }
    expect(await again(desk)).toEqual([desk])
    expect(told).toEqual([expect.stringMatching(/^luis has "team vault", generation 1, already: not sent there again/)])
  })

  it('is sent again after it ended without arriving', async () => {
    pin(tablet, marta)
    await sends()
    await answerQuestion(call, tablet.open, asked(), no)
    expect(await again()).toHaveLength(1)
  })
})

describe('an answer', () => {
  beforeEach(() => pin(tablet, marta))

  it('that leads to nothing fails with the reason', async () => {
    await sends()
    await answerQuestion(call, tablet.open, asked(), yes)
    await sends()
    const failed = await answerQuestion(call, tablet.open, asked(), yes).catch((error: unknown) => error)
    expect(failureOf(failed, 'not confirmed')).toMatchObject({ code: 'already-installed', exit: 1 })
    expect(call.stderr.text).not.toContain('STOPPED')
  })

  it('that is no is no alarm', async () => {
    await sends()
    await answerQuestion(call, tablet.open, asked(), no)
    expect(call.stderr.text).not.toMatch(/STOPPED|doctor/)
    expect(await state()).toEqual(['refused'])
  })
})
