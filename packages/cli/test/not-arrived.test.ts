import {
  cancelDelivery,
  type DeliveryShown,
  type OpenDevice,
  startTransfer,
  type TransferShown,
} from '@keyferry/device'
import { utf8 } from '@keyferry/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { addKey } from '../src/device/add-key.ts'
import { answerQuestion } from '../src/device/answer-question.ts'
import { followSent } from '../src/device/follow-sent.ts'
import { whyNotArrived } from '../src/device/why-not-arrived.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'
import { aCall } from './run-here.ts'

let deployment: Deployment
let marta: TestDevice
let luis: TestDevice
beforeAll(async () => {
  deployment = await aDeployment()
  marta = await deployment.enrol('marta')
  luis = await deployment.enrol('luis')
  for (const [by, whom] of [
    [marta, luis],
    [luis, marta],
  ] as const) {
    const { user, username } = whom.open.store.seen.state()
    by.open.store.pins.put({ user, username, root: null, how: 'pinned', since: by.open.now() })
  }
})
afterAll(() => deployment.close())

let transfers = 0
async function aTransfer(): Promise<TransferShown> {
  const octets = utf8('a secret of exactly forty octets, no more.')
  const facts = {
    type: 'secret',
    octets,
    label: `team vault ${++transfers}`,
    class: 'shared',
    auto: false,
    file: null,
  } as const
  const record = await addKey(marta.open, facts)
  const targets = [{ user: luis.open.store.seen.state().user, username: 'luis' }]
  return startTransfer(marta.open, { record, targets, confirmed: true, deadline: marta.open.now() + 3600 })
}

it('ends with 3, and says who said no, when a person refuses what is waited for', async () => {
  const call = aCall(marta.open.folder)
  const ended = followSent(call, marta.open, await aTransfer(), 60)
  while (luis.open.store.questions.open().length === 0) await luis.pass()
  const [question] = luis.open.store.questions.open()
  if (question === undefined) throw new Error('nothing is asked')
  await answerQuestion(aCall(luis.open.folder), luis.open, question, { answer: 'no', reason: 'nope' })
  expect(await ended).toBe(3)
  expect(call.stderr.text).toMatch(/^keyferry: not sent: luis refused it \(declined\)\n {2}hint: .*transfer retry tr_/m)
})

describe('a delivery without a receipt when its time is over', () => {
  const overdue = (): readonly string[] =>
    marta.open.store.alarms.open().flatMap(({ reason, subject }) => (reason === 'receipt-overdue' ? [subject] : []))

  it('alarms its human, once', async () => {
    const transfer = await aTransfer()
    await marta.pass()
    expect(overdue()).toEqual([])
    marta.aheadSeconds = 3600 + 200
    await marta.pass()
    const [alarm] = marta.open.store.alarms.open()
    expect(overdue()).toEqual([transfer.deliveries[0]?.dl])
    expect(alarm?.facts).toEqual({ attempt: 1, state: 'released' })
    marta.open.store.alarms.acknowledge(alarm?.id ?? 0, marta.open.now())
    await marta.pass()
    expect(overdue()).toEqual([])
    marta.aheadSeconds = 0
  })

  it('does not if it ended otherwise: that is told', async () => {
    const transfer = await aTransfer()
    await marta.pass()
    const dl = transfer.deliveries[0]?.dl ?? ''
    await cancelDelivery(marta.open, dl)
    marta.aheadSeconds = 3600 + 200
    await marta.pass()
    expect(overdue()).toEqual([])
    expect(marta.events).toContainEqual(expect.objectContaining({ kind: 'finished', dl, state: 'cancelled' }))
    marta.aheadSeconds = 0
  })
})

describe('a server that says completed', () => {
  /** As `open` shows it, with another word of the server for the state of each transfer. */
  function saysCompleted(open: OpenDevice): OpenDevice {
    const call: OpenDevice['client']['call'] = async (asked) => {
      const answer = await open.client.call(asked)
      if (!/^\/v1\/transfers\/[^/]+$/.test(asked.path)) return answer
      const json: typeof answer.json = (shape) => {
        const view = answer.json(shape) as unknown as TransferShown
        const deliveries = view.deliveries.map((delivery) => ({ ...delivery, state: 'completed' }))
        return { ...view, state: 'completed', deliveries } as never
      }
      return { ...answer, json }
    }
    return { ...open, client: { ...open.client, call } }
  }

  it('is not believed without a receipt of the target: exit code 4', async () => {
    const call = aCall(marta.open.folder)
    expect(await followSent(call, saysCompleted(marta.open), await aTransfer(), 60)).toBe(4)
    expect(call.stderr.text).toMatch(/not proven: the server says that luis has it, .*\(receipt-invalid\)\n {2}hint: /)
  })

  it('is believed with the receipt of the target', async () => {
    const call = aCall(marta.open.folder)
    const transfer = await aTransfer()
    await marta.pass()
    while (luis.open.store.questions.open().length === 0) await luis.pass()
    const [question] = luis.open.store.questions.open()
    if (question === undefined) throw new Error('nothing is asked')
    await answerQuestion(aCall(luis.open.folder), luis.open, question, { answer: 'yes', reason: null })
    await luis.pass()
    expect(await followSent(call, marta.open, transfer, 60)).toBe(0)
  })
})

describe('what did not arrive', () => {
  const delivery = {
    dl: 'dl_1',
    tr: 'tr_00000000000000000000000000',
    waitingFor: [],
    attempt: 1,
    key: { id: 'k', generation: 1 },
    source: 's',
    target: 't',
    changedAt: 0,
  }
  it.each<[Partial<DeliveryShown>, string, number]>([
    [{ state: 'refused', stage: 'target', reason: 'declined' }, 'declined', 3],
    [{ state: 'refused', stage: 'target', reason: 'key-mismatch' }, 'key-mismatch', 4],
    [{ state: 'refused', stage: 'target', reason: 'what is this' }, 'refused', 3],
    [{ state: 'refused', stage: 'ac2', reason: 'no-rule' }, 'access-denied: no-rule', 3],
    [{ state: 'failed', reason: 'store-failed' }, 'store-failed', 1],
    [{ state: 'failed', reason: 'something' }, 'not-installed', 1],
    [{ state: 'expired', reason: 'deadline' }, 'expired', 1],
    [{ state: 'cancelled' }, 'cancelled', 1],
    [{ state: 'withdrawn', reason: 'key-withdrawn' }, 'withdrawn', 1],
    [{ state: 'withdrawn', reason: 'device-revoked' }, 'device-revoked', 3],
  ])('is told for %o as %s and ends with %i', (facts, code, exit) => {
    const deliveries = [{ ...delivery, deadline: 0, ...facts } as unknown as DeliveryShown]
    const transfer = { tr: delivery.tr, state: 'closed', deliveries } as unknown as TransferShown
    const failure = failureOf(whyNotArrived(marta.open, transfer), 'not sent')
    expect(failure).toMatchObject({ code, exit })
    expect(failure.hint).toMatch(/keyferry transfer (retry|show) tr_/)
  })

  it('is told by the gravest of several', () => {
    const deliveries = [
      { ...delivery, state: 'expired', deadline: 0 },
      { ...delivery, state: 'refused', stage: 'target', reason: 'key-mismatch' },
      { ...delivery, state: 'refused', stage: 'target', reason: 'declined' },
    ]
    const transfer = { tr: delivery.tr, state: 'closed', deliveries } as unknown as TransferShown
    expect(failureOf(whyNotArrived(marta.open, transfer), 'not sent')).toMatchObject({ code: 'key-mismatch', exit: 4 })
  })

  it('is counted where others arrived', () => {
    const deliveries = [
      { ...delivery, state: 'completed' },
      { ...delivery, state: 'expired', deadline: 0 },
    ]
    const transfer = { tr: delivery.tr, state: 'partial', deliveries } as unknown as TransferShown
    expect(failureOf(whyNotArrived(marta.open, transfer), 'not sent')).toMatchObject({
      exit: 1,
      more: expect.stringContaining('1 of 2'),
    })
  })
})
