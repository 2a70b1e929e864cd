import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ref } from '../ids/ids.ts'
import {
  DELIVERY_STATES,
  type DeliveryState,
  holdsWrappedKey,
  isTerminal,
  REFUSAL_STAGES,
  transferState,
} from './states.ts'
import {
  type DeliveryEvent,
  type DeliveryEventType,
  type DeliveryProgress,
  MAX_DEADLINE_SECONDS,
  MOVES,
  receiptStanding,
  transition,
} from './transition.ts'

const NOW = 1_795_521_600
const ORDER = 'O'.repeat(43) as Ref
const ENVELOPE = 'E'.repeat(43) as Ref

function aDelivery(changes: Partial<DeliveryProgress> = {}): DeliveryProgress {
  return {
    state: 'requested',
    stage: null,
    reason: null,
    waitingFor: [],
    attempt: 1,
    collections: 0,
    order: null,
    envelope: null,
    requester: 'marta',
    cancelledBy: null,
    deadline: NOW + 3600,
    changedAt: NOW - 60,
    version: 7,
    ...changes,
  }
}
const EVENTS: Record<DeliveryEventType, DeliveryEvent> = {
  admit: { type: 'admit' },
  wait: { type: 'wait', waitingFor: ['approval'] },
  refuse: { type: 'refuse', stage: 'ac1', reason: 'policy' },
  order: { type: 'order', order: ORDER },
  deposit: { type: 'deposit', order: ORDER, envelope: ENVELOPE },
  release: { type: 'release' },
  collect: { type: 'collect' },
  install: { type: 'install' },
  reject: { type: 'reject', reason: 'unwrap-failed' },
  cancel: { type: 'cancel', by: 'marta' },
  expire: { type: 'expire' },
  withdraw: { type: 'withdraw', reason: 'superseded' },
  retry: { type: 'retry', by: 'marta', deadline: NOW + 7200 },
}
function withCode(code: string, state?: DeliveryState): Error {
  return expect.objectContaining(state === undefined ? { code } : { code, details: { state } })
}
const FINISHED = DELIVERY_STATES.filter(isTerminal)

describe('a delivery', () => {
  it('goes from request to receipt', () => {
    let delivery = aDelivery()
    for (const type of ['wait', 'admit', 'order', 'deposit', 'release', 'collect', 'install'] as const) {
      delivery = transition(delivery, EVENTS[type], NOW)
    }
    expect(delivery).toEqual(
      aDelivery({ state: 'completed', order: ORDER, envelope: ENVELOPE, collections: 1, changedAt: NOW, version: 14 }),
    )
  })

  it('keeps what else a server knows of it', () => {
    expect(transition({ ...aDelivery(), id: 'dl_x' }, EVENTS.admit, NOW)).toMatchObject({
      id: 'dl_x',
      state: 'admitted',
    })
  })

  it('says what it waits for until something happens, and that changes nothing else', () => {
    const waiting = transition(aDelivery(), EVENTS.wait, NOW)
    expect(waiting).toEqual(aDelivery({ waitingFor: ['approval'], version: 8 }))
    expect(transition(waiting, EVENTS.admit, NOW).waitingFor).toEqual([])
  })

  it('is refused by whom the table names, in these states only', () => {
    const allowed: string[] = []
    for (const state of DELIVERY_STATES) {
      for (const stage of REFUSAL_STAGES) {
        try {
          const refused = transition(aDelivery({ state }), { type: 'refuse', stage, reason: 'declined' }, NOW)
          expect(refused).toMatchObject({ state: 'refused', stage, reason: 'declined' })
          allowed.push(`${state} ${stage}`)
        } catch (error) {
          expect(error).toMatchObject({
            code: isTerminal(state) ? 'delivery-closed' : 'state-conflict',
            details: { state },
          })
        }
      }
    }
    expect(allowed).toEqual([
      'requested ac1',
      'admitted ac1',
      'admitted source',
      'deposited ac2',
      'released ac2',
      'released target',
      'collected ac2',
    ])
  })

  it('takes one order, and the deposit has to be of that one', () => {
    const ordered = transition(aDelivery({ state: 'admitted' }), EVENTS.order, NOW)
    expect(() => transition(ordered, EVENTS.order, NOW)).toThrow(withCode('state-conflict'))
    const other: DeliveryEvent = { type: 'deposit', order: ENVELOPE, envelope: ENVELOPE }
    expect(() => transition(ordered, other, NOW)).toThrow(withCode('state-conflict'))
    expect(transition(ordered, EVENTS.deposit, NOW).state).toBe('deposited')
  })

  it('is collected three times at most', () => {
    let delivery = aDelivery({ state: 'released' })
    for (let i = 0; i < 3; i++) delivery = transition(delivery, EVENTS.collect, NOW)
    expect(delivery).toMatchObject({ state: 'collected', collections: 3 })
    expect(() => transition(delivery, EVENTS.collect, NOW)).toThrow(withCode('already-collected'))
  })

  it('is not cancelled once it is collected', () => {
    expect(() => transition(aDelivery({ state: 'collected' }), EVENTS.cancel, NOW)).toThrow(
      withCode('state-conflict', 'collected'),
    )
  })

  it('expires at its deadline, from when on nothing else but a withdrawal happens', () => {
    const open = DELIVERY_STATES.filter((state) => !isTerminal(state))
    for (const state of open) {
      const delivery = aDelivery({ state, deadline: NOW })
      expect(() => transition(delivery, EVENTS.expire, NOW - 1)).toThrow(withCode('state-conflict'))
      expect(transition(delivery, EVENTS.expire, NOW).state).toBe('expired')
      for (const type of Object.keys(MOVES[state]) as DeliveryEventType[]) {
        if (type === 'expire' || type === 'withdraw') continue
        expect(() => transition(delivery, EVENTS[type], NOW)).toThrow(withCode('delivery-closed', 'expired'))
      }
    }
  })

  it('is tried again by its requester, as another attempt without anything of the one before', () => {
    const ends: Partial<DeliveryProgress>[] = [
      { state: 'failed', reason: 'unwrap-failed', collections: 2, order: ORDER, envelope: ENVELOPE },
      { state: 'expired' },
      { state: 'refused', stage: 'source', reason: 'declined' },
      { state: 'refused', stage: 'target', reason: 'declined' },
      { state: 'cancelled', cancelledBy: 'marta' },
    ]
    for (const end of ends) {
      expect(transition(aDelivery({ ...end, deadline: NOW - 1 }), EVENTS.retry, NOW)).toEqual(
        aDelivery({ attempt: 2, deadline: NOW + 7200, changedAt: NOW, version: 8 }),
      )
    }
  })

  it('is not tried again for others, too often, after a denial, or without a good deadline', () => {
    const failed = aDelivery({ state: 'failed' })
    expect(() => transition(failed, { ...EVENTS.retry, by: 'luis' } as DeliveryEvent, NOW)).toThrow(
      withCode('access-denied'),
    )
    const cancelled = aDelivery({ state: 'cancelled', cancelledBy: 'luis' })
    expect(() => transition(cancelled, EVENTS.retry, NOW)).toThrow(withCode('access-denied'))
    expect(() => transition({ ...failed, attempt: 3 }, EVENTS.retry, NOW)).toThrow(
      withCode('delivery-closed', 'failed'),
    )
    for (const stage of ['ac1', 'ac2'] as const) {
      expect(() => transition(aDelivery({ state: 'refused', stage }), EVENTS.retry, NOW)).toThrow(
        withCode('delivery-closed', 'refused'),
      )
    }
    for (const deadline of [NOW, NOW + MAX_DEADLINE_SECONDS + 1]) {
      expect(() => transition(failed, { type: 'retry', by: 'marta', deadline }, NOW)).toThrow(withCode('malformed'))
    }
  })

  it('stays finished, whatever is tried on it but a retry', () => {
    const anEvent = fc.constantFrom(...Object.values(EVENTS))
    fc.assert(
      fc.property(fc.constantFrom(...FINISHED), anEvent, (state, event) => {
        if (event.type === 'retry' && state !== 'completed' && state !== 'withdrawn') return
        expect(() => transition(aDelivery({ state }), event, NOW)).toThrow(withCode('delivery-closed', state))
      }),
    )
  })

  it('keeps its invariants under any sequence of events', () => {
    const step = fc.record({
      event: fc.oneof(
        fc.constantFrom(...Object.values(EVENTS)),
        fc.record({
          type: fc.constant('refuse' as const),
          stage: fc.constantFrom(...REFUSAL_STAGES),
          reason: fc.constant('x'),
        }),
        fc.record({ type: fc.constant('cancel' as const), by: fc.constantFrom('marta', 'luis') }),
        fc.record({
          type: fc.constant('retry' as const),
          by: fc.constantFrom('marta', 'luis'),
          deadline: fc.integer({ min: NOW, max: NOW + 20_000 }),
        }),
      ),
      seconds: fc.integer({ min: 0, max: 1800 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let delivery = aDelivery()
        let at = NOW
        let keyIsThere = false
        for (const { event, seconds } of steps) {
          at += seconds
          const before = delivery
          try {
            delivery = transition(before, event, at)
          } catch (error) {
            expect(error).toHaveProperty('name', 'KeyferryError')
            continue
          }
          if (event.type === 'deposit') keyIsThere = true
          if (!holdsWrappedKey(delivery.state)) keyIsThere = false
          expect(delivery.version).toBe(before.version + 1)
          expect(holdsWrappedKey(delivery.state)).toBe(keyIsThere)
          expect(isTerminal(delivery.state) && delivery.waitingFor.length > 0).toBe(false)
          expect(delivery.stage !== null).toBe(delivery.state === 'refused')
          expect(delivery.cancelledBy !== null).toBe(delivery.state === 'cancelled')
          expect(delivery.attempt).toBe(before.attempt + (event.type === 'retry' ? 1 : 0))
          expect(delivery.attempt).toBeLessThanOrEqual(3)
          expect(delivery.collections).toBeLessThanOrEqual(3)
          if (delivery.collections > 0) expect(delivery.envelope).not.toBeNull()
          if (holdsWrappedKey(delivery.state) || delivery.state === 'completed') expect(delivery.order).not.toBeNull()
          if (isTerminal(before.state)) expect(event.type).toBe('retry')
          if (delivery.state === 'completed') expect(before.state).toBe('collected')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('can be completed from every state that is open', () => {
    const path = ['admit', 'deposit', 'release', 'collect', 'install'] as const
    for (let from = 0; from < path.length; from++) {
      let delivery = aDelivery({ state: DELIVERY_STATES[from] ?? 'requested' })
      for (const type of path.slice(from)) delivery = transition(delivery, EVENTS[type], NOW)
      expect(delivery.state).toBe('completed')
    }
  })

  it('knows whether a receipt is due, late or of no use', () => {
    expect(receiptStanding(aDelivery({ state: 'collected', collections: 1 }))).toBe('due')
    for (const state of ['expired', 'refused', 'withdrawn'] as const) {
      expect(receiptStanding(aDelivery({ state, collections: 1 }))).toBe('late')
      expect(receiptStanding(aDelivery({ state }))).toBeNull()
    }
    for (const state of ['completed', 'failed', 'cancelled', 'released', 'requested'] as const) {
      expect(receiptStanding(aDelivery({ state }))).toBeNull()
    }
    expect(receiptStanding(aDelivery({ state: 'completed', collections: 1 }))).toBeNull()
  })
})

describe('a transfer', () => {
  it.each([
    [['requested', 'completed'], 'open'],
    [['completed', 'completed'], 'completed'],
    [['completed', 'failed'], 'partial'],
    [['refused', 'withdrawn'], 'closed'],
  ] as const)('of %j is %s', (states, state) => {
    expect(transferState(states)).toBe(state)
  })
})
