import { makeId, type TransferId, type TransportKeyInfo } from '@keyferry/protocol'
import { aDevice, aKeyId, aUser, NOW, type TestDevice } from '@keyferry/testkit'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DeviceStore } from '../store/device-store.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import type { StartedTarget } from '../store/started.ts'
import type { CheckedSource } from '../trust/source-checks.ts'
import { askConsent, startUnanswered } from './consent.ts'
import type { AgentParts } from './parts.ts'

const LUIS = aUser('luis')
const KEY = aKeyId(LUIS)
const TR = makeId('tr', new Uint8Array(16).fill(1))
const DL = makeId('dl', new Uint8Array(16).fill(2))
const DEADLINE = NOW + 3600

let marta: TestDevice
let phone: TestDevice
let store: DeviceStore
beforeAll(async () => {
  marta = await aDevice(aUser('marta'))
  phone = await aDevice(LUIS)
})
beforeEach(() => {
  store = memoryDeviceStore()
})

function aKti(target: TestDevice, members: Partial<TransportKeyInfo> = {}): TransportKeyInfo {
  return {
    tr: TR,
    dl: DL,
    attempt: 1,
    deadline: DEADLINE,
    key: { id: KEY, class: 'shared', generation: 1, type: 'secret' },
    target: { device: target.id, user: target.user.id },
    mechanism: 'public-key',
    minExposure: { source: 'software', target: 'software' },
    redelivery: false,
    ...members,
  } as TransportKeyInfo
}

/** What its human started here for marta, and confirmed. */
function start(
  request: object = {},
  targets: readonly StartedTarget[] = [{ user: marta.user.id, username: 'marta' }],
  confirmed = true,
  tr: TransferId | null = TR,
): void {
  store.started.put({
    idempotencyKey: 'k1',
    request: JSON.stringify({
      key: KEY,
      generation: 1,
      targets: [{ user: marta.user.id }],
      deadline: DEADLINE,
      ...request,
    }),
    tr,
    key: KEY,
    class: 'shared',
    targets,
    nonce: null,
    confirmed,
    at: NOW,
    deadline: DEADLINE,
  })
}

function ask(kti: TransportKeyInfo, auto = false, members: object = {}): 'given' | 'asked' {
  const parts = { store, now: () => NOW, report: () => {} } as unknown as AgentParts
  const checked = {
    record: { auto },
    order: null,
    targetRoot: { username: 'marta', how: 'pinned' },
    target: { kind: 'software' },
    key: { alg: 'HPKE-7' },
    ...members,
  } as unknown as CheckedSource
  return askConsent(parts, kti, checked)
}

function say(answer: 'yes' | 'no'): void {
  const [question, ...more] = store.questions.open()
  if (question === undefined || more.length > 0) throw new Error('one question was to be open')
  store.questions.decide(question, { answer, reason: null, at: NOW })
}

describe('what was started here', () => {
  it('is given unasked as it was asked for', () => {
    start()
    expect(ask(aKti(marta))).toBe('given')
  })

  it('is given once more unasked only if that was asked for (S4)', () => {
    start()
    expect(ask(aKti(marta, { redelivery: true }))).toBe('asked')
    expect(store.questions.open()).toMatchObject([{ kind: 'redelivery' }])
    start({ redelivery: true })
    expect(ask(aKti(marta, { redelivery: true }))).toBe('given')
  })

  it.each<[string, object, Partial<TransportKeyInfo>]>([
    ['a later deadline', {}, { deadline: DEADLINE + 1 }],
    ['another generation', {}, { key: { id: KEY, class: 'shared', generation: 2, type: 'secret' } }],
    ['another mechanism', { mechanism: 'directory' }, {}],
    ['less protection', { minExposure: { source: 'software', target: 'in-device' } }, {}],
    ['less protection here', { minExposure: { source: 'in-device', target: 'software' } }, {}],
    ['another key', {}, { key: { id: aKeyId(LUIS, 2), class: 'shared', generation: 1, type: 'secret' } }],
    ['another class', {}, { key: { id: KEY, class: 'container', generation: 1, type: 'age' } }],
  ])('is asked about if the server makes %s of it', (_, request, members) => {
    start(request)
    expect(ask(aKti(marta, members))).toBe('asked')
  })

  it('is given unasked if it says mechanism and protection, and gets them', () => {
    start({ mechanism: 'public-key', minExposure: { source: 'software', target: 'software' } })
    expect(ask(aKti(marta))).toBe('given')
  })

  it('is asked about for another target', () => {
    start()
    expect(ask(aKti(phone))).toBe('asked')
    // Also if the key goes to own devices unasked: its human was told of another one.
    expect(ask(aKti(phone), true)).toBe('asked')
  })

  it('goes to the device that was named, under the user who was, and to no other', () => {
    const { user } = marta
    start({}, [{ device: marta.id, user: user.id, username: 'marta' }])
    expect(ask(aKti(marta))).toBe('given')
    expect(ask(aKti({ ...phone, user }))).toBe('asked')
    expect(ask(aKti({ ...marta, user: LUIS }))).toBe('asked')
    start({}, [{ device: marta.id, username: null }])
    expect(ask(aKti(marta))).toBe('given')
  })

  it('says nothing if it was not confirmed', () => {
    start({}, undefined, false)
    expect(ask(aKti(marta))).toBe('asked')
  })
})

it('asks about a redelivery once: who gives it once more gives it', () => {
  const kti = aKti(phone, { redelivery: true })
  expect(ask(kti)).toBe('asked')
  say('yes')
  expect(ask(kti)).toBe('given')
})

it('asks about a redelivery of a key that goes to own devices unasked', () => {
  expect(ask(aKti(phone), true)).toBe('given')
  expect(ask(aKti(phone, { redelivery: true }), true)).toBe('asked')
})

it('gives unasked what another device, or a grantee, ordered', () => {
  expect(ask(aKti(marta), false, { order: {} })).toBe('given')
})

it('asks about a key for somebody else each time, whatever its record says', () => {
  expect(ask(aKti(marta), true)).toBe('asked')
  say('yes')
  expect(ask(aKti(marta), true)).toBe('given')
  const another = { tr: makeId('tr', new Uint8Array(16).fill(3)), dl: makeId('dl', new Uint8Array(16).fill(4)) }
  expect(ask(aKti(marta, another), true)).toBe('asked')
})

it('asks once about an own device, and about a browser each time', () => {
  expect(ask(aKti(phone))).toBe('asked')
  say('yes')
  expect(ask(aKti(phone))).toBe('given')
  const another = { tr: makeId('tr', new Uint8Array(16).fill(3)), dl: makeId('dl', new Uint8Array(16).fill(4)) }
  expect(ask(aKti(phone, another))).toBe('given')
  expect(ask(aKti(phone, another), true, { target: { kind: 'browser' } })).toBe('asked')
})

it('is refused with what the human said', () => {
  expect(ask(aKti(marta))).toBe('asked')
  say('no')
  expect(() => ask(aKti(marta))).toThrow(expect.objectContaining({ code: 'declined', details: { by: 'human' } }))
})

it('waits for the answer to what was started here for this key and target', () => {
  const unanswered = (target: TestDevice): boolean => startUnanswered({ store } as unknown as AgentParts, aKti(target))
  expect(unanswered(marta)).toBe(false)
  start({}, undefined, true, null)
  expect(unanswered(marta)).toBe(true)
  expect(unanswered(phone)).toBe(false)
  store.started.answered('k1', TR)
  expect(unanswered(marta)).toBe(false)
})
