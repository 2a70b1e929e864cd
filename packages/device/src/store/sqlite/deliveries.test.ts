import { type KeyferryError, makeId, parseId } from '@keyferry/protocol'
import { aKeyId, aUser, exampleSigner, NOW } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DeviceStore } from '../device-store.ts'
import type { Question } from '../questions.ts'
import type { ReplayEntry } from '../replay.ts'
import { memoryDeviceStore } from './open-device-store.ts'

const DL = parseId('dl', 'dl_0kz5s8wc31gks89569erpva0kj')
const OTHER_DL = makeId('dl', new Uint8Array(16))
const TR = parseId('tr', 'tr_2ck0frzqa7em6qn7679ps32h78')
const KEY = aKeyId(aUser('marta'))
const REF = exampleSigner('one').id
const OTHER_REF = exampleSigner('two').id
const DAY = 86_400
const withCode = (code: KeyferryError['code']): unknown => expect.objectContaining({ code })

let store: DeviceStore
beforeEach(() => {
  store = memoryDeviceStore()
})

describe('the envelopes of a source', () => {
  const made = { dl: DL, attempt: 1, ref: REF, octets: new Uint8Array([1, 2]), grant: null, at: NOW }

  it('are one for each attempt, and the same octets for ever (S3, S13)', () => {
    store.envelopes.put(made)
    store.envelopes.put(made)
    expect(() => store.envelopes.put({ ...made, octets: new Uint8Array([1, 3]) })).toThrow(withCode('replayed'))
    store.envelopes.put({ ...made, attempt: 2, octets: new Uint8Array([9]) })
    expect(store.envelopes.find(DL, 1)).toEqual(made)
  })

  it('are sent again until the server has them', () => {
    store.envelopes.put(made)
    expect(store.envelopes.unsent()).toEqual([made])
    store.envelopes.markDone(DL, 1)
    expect(store.envelopes.unsent()).toEqual([])
    expect(store.envelopes.find(DL, 1)).toEqual(made)
  })

  it('are counted for a grant by the UTC day', () => {
    const midnight = NOW - (NOW % DAY)
    const times = [midnight - 1, midnight, midnight + DAY - 1, midnight + DAY]
    for (const [i, at] of times.entries()) store.envelopes.put({ ...made, attempt: i + 1, grant: REF, at })
    expect(store.envelopes.countOfDay(REF, midnight + 100)).toBe(2)
    expect(store.envelopes.countOfDay(OTHER_REF, midnight)).toBe(0)
  })
})

describe('the orders of a device', () => {
  it('are one for each attempt', () => {
    const order = { dl: DL, attempt: 1, ref: REF, text: 'a.b.c', at: NOW }
    store.orders.put(order)
    store.orders.put(order)
    expect(() => store.orders.put({ ...order, text: 'a.b.d' })).toThrow(withCode('replayed'))
    expect(store.orders.unsent()).toEqual([order])
    store.orders.markDone(DL, 1)
    expect([store.orders.unsent(), store.orders.find(DL, 1)]).toEqual([[], order])
  })
})

describe('receipts', () => {
  it('are missed when their time has passed', () => {
    store.receipts.await(DL, 1, NOW + 10)
    store.receipts.await(DL, 1, NOW + 5)
    expect(store.receipts.overdue(NOW + 4)).toEqual([])
    expect(store.receipts.overdue(NOW + 5)).toHaveLength(1)
    store.receipts.release(DL, 1)
    expect([store.receipts.overdue(NOW + 99), store.receipts.waiting()]).toEqual([[], []])
  })

  it('are kept once; a different one is told apart', () => {
    store.receipts.await(DL, 1, NOW)
    expect(store.receipts.waiting()).toHaveLength(1)
    expect(store.receipts.keep(DL, 1, REF, 'a.b.c')).toBe('first')
    expect(store.receipts.keep(DL, 1, REF, 'a.b.c-with-another-signature')).toBe('same')
    expect(store.receipts.keep(DL, 1, OTHER_REF, 'a.b.d')).toBe('different')
    expect(store.receipts.find(DL, 1)?.text).toBe('a.b.c')
    expect([store.receipts.waiting(), store.receipts.overdue(NOW + 99)]).toEqual([[], []])
    expect(store.receipts.keep(OTHER_DL, 1, REF, 'a.b.c')).toBe('first')
  })
})

describe('replay entries of a target', () => {
  const installed: ReplayEntry = {
    dl: DL,
    attempt: 1,
    envelope: REF,
    outcome: { kind: 'receipt', text: 'a.b.c' },
    keepUntil: NOW + 90 * DAY,
  }

  it('are final', () => {
    store.replay.record(installed)
    store.replay.record(installed)
    const others: Partial<ReplayEntry>[] = [
      { envelope: OTHER_REF },
      { outcome: { kind: 'receipt', text: 'a.b.d' } },
      { outcome: { kind: 'refused', reason: 'declined' } },
      { outcome: { kind: 'pending', key: KEY, generation: 1 } },
    ]
    for (const other of others) {
      expect(() => store.replay.record({ ...installed, ...other })).toThrow(withCode('replayed'))
    }
    expect(store.replay.find(DL, 1)).toEqual(installed)
  })

  it('become final from pending, for the same envelope only', () => {
    store.replay.record({ ...installed, outcome: { kind: 'pending', key: KEY, generation: 1 } })
    expect([store.replay.pending().length, store.replay.unsent().length]).toEqual([1, 0])
    expect(() => store.replay.record({ ...installed, envelope: OTHER_REF })).toThrow(withCode('replayed'))
    store.replay.record(installed)
    expect([store.replay.pending(), store.replay.unsent()]).toEqual([[], [installed]])
    store.replay.markDone(DL, 1)
    expect(store.replay.unsent()).toEqual([])
  })

  it('are forgotten after their time, generations never', () => {
    store.replay.record(installed)
    store.replay.record({ ...installed, attempt: 2, keepUntil: null })
    store.replay.accept(KEY, 1, false)
    store.replay.forget(NOW + 90 * DAY)
    expect(store.replay.find(DL, 1)).not.toBeNull()
    store.replay.forget(NOW + 90 * DAY + 1)
    expect([store.replay.find(DL, 1), store.replay.find(DL, 2)?.attempt]).toEqual([null, 2])
    expect(store.replay.lastGeneration(KEY)).toBe(1)
  })

  it('accept a generation once, a later one always, an earlier one never', () => {
    expect(store.replay.lastGeneration(KEY)).toBeNull()
    store.replay.accept(KEY, 3, false)
    expect(() => store.replay.accept(KEY, 2, true)).toThrow(withCode('generation-old'))
    expect(() => store.replay.accept(KEY, 3, false)).toThrow(withCode('already-installed'))
    store.replay.accept(KEY, 3, true)
    store.replay.accept(KEY, 5, false)
    expect(store.replay.lastGeneration(KEY)).toBe(5)
  })
})

describe('questions to the human', () => {
  const question: Omit<Question, 'decision'> = {
    dl: DL,
    attempt: 1,
    kind: 'give',
    facts: { target: 'phone', fingerprint: '41c0' },
    askedAt: NOW,
    until: NOW + 60,
  }
  const yes = { answer: 'yes', reason: null, at: NOW } as const

  it('wait for their decision, which stays when asked again', () => {
    store.questions.ask(question)
    const [shown] = store.questions.open()
    if (shown === undefined) throw new Error('it was asked')
    store.questions.decide(shown, yes)
    store.questions.ask({ ...question, facts: { fingerprint: '41c0', target: 'phone' }, askedAt: NOW + 5 })
    expect(store.questions.open()).toEqual([])
    expect(store.questions.find(DL, 1, 'give')).toMatchObject({ decision: yes, askedAt: NOW })
    expect(() => store.questions.decide(shown, yes)).toThrow(withCode('state-conflict'))
  })

  it('are open again when what was shown is no longer true, and a decision about that does not count', () => {
    store.questions.ask(question)
    const [shown] = store.questions.open()
    if (shown === undefined) throw new Error('it was asked')
    store.questions.ask({ ...question, facts: { target: 'phone', fingerprint: '9999' } })
    expect(() => store.questions.decide(shown, yes)).toThrow(withCode('state-conflict'))
    expect(store.questions.open()).toHaveLength(1)
  })

  it('end with their delivery or their time', () => {
    store.questions.ask(question)
    store.questions.ask({ ...question, attempt: 2 })
    store.questions.close(DL, 1)
    expect(store.questions.open()).toHaveLength(1)
    store.questions.forget(NOW + 60)
    expect(store.questions.open()).toEqual([])
  })
})

describe('transfers started here', () => {
  it('are the same request after a crash, and found by their name later', () => {
    const started = {
      idempotencyKey: 'k1',
      request: '{}',
      tr: null,
      key: KEY,
      class: 'shared',
      targets: [{ device: REF, username: 'luis' }],
      nonce: null,
      confirmed: true,
      at: NOW,
      deadline: NOW + 60,
    } as const
    store.started.put(started)
    expect(store.started.unanswered()).toEqual([started])
    store.started.answered('k1', TR)
    expect(store.started.find(TR)).toEqual({ ...started, tr: TR })
    expect([store.started.unanswered(), store.started.list().length]).toEqual([[], 1])
    store.started.answered('k1', TR)
    expect(() => store.started.answered('k1', makeId('tr', new Uint8Array(16)))).toThrow(withCode('state-conflict'))
    expect(() => store.started.answered('k2', TR)).toThrow(withCode('state-conflict'))
    store.started.remove('k1')
    expect(store.started.find(TR)).toBeNull()
  })
})
