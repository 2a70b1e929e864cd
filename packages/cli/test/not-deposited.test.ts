import { type OpenDevice, startTransfer } from '@keyferry/device'
import { type ErrorCode, KeyferryError, utf8 } from '@keyferry/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureLines, failureOf } from '../src/console/failure.ts'
import { addKey } from '../src/device/add-key.ts'
import { followSent } from '../src/device/follow-sent.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'
import { aCall, type TestCall } from './run-here.ts'

let deployment: Deployment
let laptop: TestDevice
let phone: TestDevice
beforeAll(async () => {
  deployment = await aDeployment()
  laptop = await deployment.enrol('marta')
  phone = await deployment.pair(laptop)
})
afterAll(() => deployment.close())

type Call = Parameters<OpenDevice['client']['call']>[0]

/** The laptop, whose server answers some calls with an error: one that it signed, or one in place of an answer not to be believed. */
function answering(error: KeyferryError, which: (call: Call) => boolean): OpenDevice {
  const { client } = laptop.open
  const call: typeof client.call = async (one) => {
    if (which(one)) throw error
    return client.call(one)
  }
  return { ...laptop.open, client: { ...client, call } }
}

let count = 0

/** `keyferry send KEY --to phone --no-wait --yes`, from E1 on. */
async function send(open: OpenDevice, call: TestCall): Promise<number> {
  const octets = utf8(`a secret of forty octets and a number, ${count++}.`)
  const facts = { type: 'secret', octets, label: `k${count}`, class: 'user', auto: false, file: null } as const
  const record = await addKey(laptop.open, facts)
  const targets = [{ device: phone.open.device.signer.id, username: null }]
  const deadline = open.now() + 3600
  return followSent(call, open, await startTransfer(open, { record, targets, confirmed: true, deadline }), 0)
}

const isAsked = ({ path }: Call): boolean => path.includes('/transport-key-info')
const isDeposit = ({ path }: Call): boolean => path.includes('/envelopes/')

async function failure(error: KeyferryError, which: (call: Call) => boolean): Promise<ReturnType<typeof failureOf>> {
  const call = aCall(laptop.open.folder)
  const thrown = await send(answering(error, which), call).catch((reason: unknown) => reason)
  return failureOf(thrown, 'not sent')
}

describe('a key that is sent without waiting', () => {
  it('is deposited when the command ends with 0', async () => {
    const call = aCall(laptop.open.folder)
    expect(await send(laptop.open, call)).toBe(0)
    expect(call.stderr.text).toContain('deposited')
  })

  it.each<[ErrorCode, number]>([
    ['response-invalid', 4],
    ['checkpoint-stale', 4],
    ['unavailable', 5],
    ['access-denied', 3],
    ['device-suspended', 3],
  ])('is not deposited after %s, and the command ends with %i and says what next', async (code, exit) => {
    const told = await failure(new KeyferryError(code, 'so it is'), isAsked)
    expect(told).toMatchObject({ code, exit, why: 'so it is', more: expect.stringContaining('keyferry agent') })
    expect(told.hint).not.toBe('')
  })

  it('is no failure of the command if an agent beside it was first', async () => {
    const { store } = laptop.open
    const put = (): never => {
      throw new KeyferryError('state-conflict', 'another process was first')
    }
    const second = { ...laptop.open, store: { ...store, envelopes: { ...store.envelopes, put } } }
    expect(await send(second, aCall(laptop.open.folder))).toBe(6)
  })

  it('is not deposited while its human is asked, and the command ends with 6', async () => {
    const { store, client } = laptop.open
    const find = (): null => null
    const unstarted = { ...laptop.open, client, store: { ...store, started: { ...store.started, find } } }
    const call = aCall(laptop.open.folder)
    expect(await send(unstarted, call)).toBe(6)
    expect(call.stderr.text).toContain('keyferry pending')
  })
})

describe('a deposit that the server refuses', () => {
  it('is told by the check that failed, and not as if nothing was wrapped', async () => {
    const error = new KeyferryError('envelope-invalid', 'the order says something else', { check: 'order-mismatch' })
    expect(await failure(error, isDeposit)).toMatchObject({
      code: 'order-mismatch',
      exit: 4,
      more: 'Nothing was deposited for it.',
    })
  })

  it('names no check that is none of a deposit', async () => {
    const error = new KeyferryError('envelope-invalid', 'no', { check: 'log-inconsistent' })
    expect(await failure(error, isDeposit)).toMatchObject({ code: 'envelope-malformed' })
    expect(laptop.open.store.alarms.open()).not.toContainEqual(expect.objectContaining({ reason: 'log-inconsistent' }))
  })
})

it('lets a server begin no line of its own', () => {
  const { output, stderr } = aCall('/nowhere')
  const error = new KeyferryError('unavailable', 'not now\nkeyferry: all is well\r\u2028keyferry: go on')
  for (const line of failureLines(failureOf(error, 'not sent'))) output.say(line.replace(/^keyferry: /, ''))
  expect(stderr.text.match(/^keyferry: all is well|^keyferry: go on/m)).toBeNull()
})
