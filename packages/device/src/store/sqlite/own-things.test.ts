import type { KeyferryError } from '@keyferry/protocol'
import { aKeyId, aUser, exampleSigner, NOW } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_RULES } from '../../trust/trust-state.ts'
import type { DeviceStore } from '../device-store.ts'
import type { KeyRecord } from '../key-records.ts'
import { memoryDeviceStore } from './open-device-store.ts'

const marta = aUser('marta')
const KEY = aKeyId(marta)
const phone = exampleSigner('marta phone')
const withCode = (code: KeyferryError['code']): unknown => expect.objectContaining({ code })

let store: DeviceStore
beforeEach(() => {
  store = memoryDeviceStore()
})

function aRecord(generation: number, label = 'ssh laptop'): KeyRecord {
  return {
    key: { id: KEY, class: 'user', generation, type: 'private' },
    container: null,
    username: 'marta',
    minExposure: { source: 'software', target: 'software' },
    mechanisms: ['public-key'],
    algs: ['HPKE-7'],
    auto: false,
    browsers: false,
    label,
    file: null,
    createdAt: NOW,
  }
}

describe('own records of keys', () => {
  it('are found by id and label, and never go back a generation', () => {
    store.keys.put(aRecord(1))
    store.keys.put(aRecord(2, 'ssh'))
    expect(store.keys.find(KEY)).toEqual(aRecord(2, 'ssh'))
    expect([store.keys.labelled('ssh laptop'), store.keys.labelled('ssh'), store.keys.list()]).toEqual([
      [],
      [aRecord(2, 'ssh')],
      [aRecord(2, 'ssh')],
    ])
    expect(() => store.keys.put(aRecord(1))).toThrow(withCode('generation-old'))
    store.keys.remove(KEY)
    expect(store.keys.find(KEY)).toBeNull()
  })
})

describe('consents', () => {
  it('hold for one key and one target, until withdrawn', () => {
    store.consents.give({ key: KEY, to: phone.id, at: NOW })
    store.consents.give({ key: KEY, to: phone.id, at: NOW + 1 })
    expect([store.consents.has(KEY, phone.id), store.consents.has(KEY, marta.id)]).toEqual([true, false])
    expect(store.consents.of(KEY)).toEqual([{ key: KEY, to: phone.id, at: NOW }])
    store.consents.withdraw(KEY, phone.id)
    expect(store.consents.has(KEY, phone.id)).toBe(false)
  })
})

describe('own statements', () => {
  it('count up without a gap, each once', () => {
    const set = { typ: 'kf-device-set+jwt', seq: 4, ref: marta.id, text: 'a.b.c', at: NOW } as const
    store.ownStatements.put(set)
    store.ownStatements.put(set)
    for (const seq of [3, 4, 6]) {
      expect(() => store.ownStatements.put({ ...set, seq, ref: phone.id })).toThrow(withCode('state-conflict'))
    }
    const next = { ...set, seq: 5, ref: phone.id }
    store.ownStatements.put(next)
    expect(store.ownStatements.newest('kf-device-set+jwt')).toEqual(next)
    expect(store.ownStatements.newest('kf-device+jwt')).toBeNull()
    store.ownStatements.markDone('kf-device-set+jwt', 4)
    expect([store.ownStatements.unsent(), store.ownStatements.list('kf-device-set+jwt')]).toEqual([[next], [set, next]])
  })
})

describe('server keys', () => {
  it('may be known by id before the key is', () => {
    const server = exampleSigner('server')
    store.serverKeys.put({ id: server.id, jwk: null, since: NOW })
    expect(store.serverKeys.find(server.id)?.jwk).toBeNull()
    store.serverKeys.put({ id: server.id, jwk: server.jwk, since: NOW })
    expect(store.serverKeys.list()).toEqual([{ id: server.id, jwk: server.jwk, since: NOW }])
    store.serverKeys.remove(server.id)
    expect(store.serverKeys.list()).toEqual([])
  })
})

describe('local rules', () => {
  it('are the defaults but for what was said', () => {
    expect(store.rules.find()).toEqual(DEFAULT_RULES)
    store.rules.put({ tofu: true })
    store.rules.put({ selfOrder: false })
    expect(store.rules.find()).toEqual({ ...DEFAULT_RULES, tofu: true, selfOrder: false })
  })
})

describe('the journal', () => {
  it('lists refusals, the newest first, and forgets old ones', () => {
    const refusal = { at: NOW, role: 'source', dl: 'dl_x', attempt: 1, reason: 'declined', key: null }
    const [one, two] = [refusal, { ...refusal, at: NOW + 1 }] as never[]
    for (const entry of [one, two]) if (entry !== undefined) store.refusals.append(entry)
    expect(store.refusals.list(1)).toEqual([two])
    store.refusals.forget(NOW + 1)
    expect(store.refusals.list(9)).toEqual([two])
  })

  it('raises an alarm once until it is acknowledged', () => {
    const alarm = { reason: 'set-rollback', subject: marta.id, facts: { seen: 3 }, at: NOW }
    expect([store.alarms.raise(alarm), store.alarms.raise(alarm)]).toEqual([true, false])
    const [open] = store.alarms.open()
    expect(open).toMatchObject(alarm)
    store.alarms.acknowledge(open?.id ?? 0, NOW)
    expect(() => store.alarms.acknowledge(open?.id ?? 0, NOW)).toThrow(withCode('not-found'))
    expect([store.alarms.open(), store.alarms.raise(alarm)]).toEqual([[], true])
  })

  it('counts failed unwraps of an owner until a human acts', () => {
    store.unwrapFailures.add(marta.id)
    store.unwrapFailures.add(marta.id)
    expect(store.unwrapFailures.count(marta.id)).toBe(2)
    store.unwrapFailures.reset(marta.id)
    expect(store.unwrapFailures.count(marta.id)).toBe(0)
  })

  it('has a clock that never runs back', () => {
    expect([store.clock.last(), store.clock.raise(9), store.clock.raise(5), store.clock.last()]).toEqual([0, 9, 9, 9])
  })
})
