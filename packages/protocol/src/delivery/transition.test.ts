import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DELIVERY_STATES,
  type DeliveryState,
  holdsWrappedKey,
  isTerminal,
  REFUSAL_STAGES,
  transferState,
} from './states.ts'
import {
  checkDeadline,
  DELIVERY_EVENTS,
  type DeliveryProgress,
  isOverdue,
  MAX_DEADLINE_SECONDS,
  MOVES,
  mayRefuse,
  mayRetry,
  receiptStanding,
  transition,
} from './transition.ts'

const NOW = 1_795_521_600

function aDelivery(changes: Partial<DeliveryProgress> = {}): DeliveryProgress {
  return {
    state: 'requested',
    stage: null,
    attempt: 1,
    collections: 0,
    deadline: NOW + 3600,
    changedAt: NOW - 60,
    version: 7,
    ...changes,
  }
}
function withCode(code: string, state?: DeliveryState): Error {
  return expect.objectContaining(state === undefined ? { code } : { code, details: { state } })
}
const FINISHED = DELIVERY_STATES.filter(isTerminal)
const OPEN = DELIVERY_STATES.filter((state) => !isTerminal(state))

describe('a delivery', () => {
  it('goes from request to receipt, and from every open state on', () => {
    const path = ['admit', 'deposit', 'release', 'collect', 'install'] as const
    for (const [from, state] of OPEN.entries()) {
      let delivery = aDelivery({ state })
      for (const event of path.slice(from)) delivery = transition(delivery, event, NOW)
      expect(delivery).toMatchObject({ state: 'completed', changedAt: NOW, version: 7 + path.length - from })
    }
  })

  it('keeps what else a server knows of it', () => {
    expect(transition({ ...aDelivery(), dl: 'dl_x' }, 'admit', NOW)).toEqual({
      ...aDelivery({ state: 'admitted', changedAt: NOW, version: 8 }),
      dl: 'dl_x',
    })
  })

  it('is refused by whom the table names, in these states only', () => {
    const allowed = DELIVERY_STATES.flatMap((state) =>
      REFUSAL_STAGES.filter((stage) => mayRefuse(state, stage)).map((stage) => `${state} ${stage}`),
    )
    expect(allowed).toEqual([
      'requested ac1',
      'admitted ac1',
      'admitted source',
      'deposited ac2',
      'released ac2',
      'released target',
      'collected ac2',
    ])
    for (const state of OPEN) expect(transition(aDelivery({ state }), 'refuse', NOW).state).toBe('refused')
  })

  it('is collected three times at most', () => {
    let delivery = aDelivery({ state: 'released' })
    for (let i = 0; i < 3; i++) delivery = transition(delivery, 'collect', NOW)
    expect(delivery).toMatchObject({ state: 'collected', collections: 3 })
    expect(() => transition(delivery, 'collect', NOW)).toThrow(withCode('already-collected'))
  })

  it('is not cancelled once it is collected', () => {
    expect(() => transition(aDelivery({ state: 'collected' }), 'cancel', NOW)).toThrow(
      withCode('state-conflict', 'collected'),
    )
  })

  it('expires at its deadline and not before', () => {
    for (const state of OPEN) {
      const delivery = aDelivery({ state, deadline: NOW })
      expect(isOverdue(delivery, NOW - 1)).toBe(false)
      expect(() => transition(delivery, 'expire', NOW - 1)).toThrow(withCode('state-conflict', state))
      expect(transition(delivery, 'expire', NOW).state).toBe('expired')
    }
  })

  it('is tried again as another attempt, after these ends only and twice at most', () => {
    const retried: string[] = []
    for (const state of DELIVERY_STATES) {
      for (const stage of state === 'refused' ? REFUSAL_STAGES : [null]) {
        const delivery = aDelivery({ state, stage, collections: 2, attempt: 2 })
        expect(mayRetry({ ...delivery, attempt: 3 })).toBe(false)
        if (!mayRetry(delivery)) {
          expect(() => transition(delivery, 'retry', NOW)).toThrow(
            withCode(isTerminal(state) ? 'delivery-closed' : 'state-conflict', state),
          )
          continue
        }
        retried.push(stage === null ? state : `${state} ${stage}`)
        expect(transition(delivery, 'retry', NOW)).toEqual(aDelivery({ attempt: 3, changedAt: NOW, version: 8 }))
      }
    }
    expect(retried).toEqual(['refused source', 'refused target', 'failed', 'cancelled', 'expired'])
  })

  it('stays finished, whatever is tried on it but a retry', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FINISHED), fc.constantFrom(...DELIVERY_EVENTS), (state, event) => {
        if (event === 'retry' && state !== 'completed' && state !== 'withdrawn') return
        expect(() => transition(aDelivery({ state }), event, NOW)).toThrow(withCode('delivery-closed', state))
      }),
    )
  })

  it('keeps its invariants under any sequence of events', () => {
    const step = fc.record({ event: fc.constantFrom(...DELIVERY_EVENTS), seconds: fc.integer({ min: 0, max: 600 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let delivery = aDelivery()
        let at = NOW
        let keyIsThere = false
        let collections = 0
        for (const { event, seconds } of steps) {
          at += seconds
          const before = delivery
          try {
            delivery = transition(before, event, at)
          } catch (error) {
            expect(error).toHaveProperty('name', 'KeyferryError')
            continue
          }
          if (event === 'deposit') keyIsThere = true
          if (isTerminal(delivery.state)) keyIsThere = false
          collections = event === 'retry' ? 0 : collections + (event === 'collect' ? 1 : 0)
          expect(MOVES[before.state][event]).toBe(delivery.state)
          expect(holdsWrappedKey(delivery.state)).toBe(keyIsThere)
          expect(delivery.version).toBe(before.version + 1)
          expect(delivery.changedAt).toBe(at)
          expect(delivery.attempt).toBe(before.attempt + (event === 'retry' ? 1 : 0))
          expect(delivery.attempt).toBeLessThanOrEqual(3)
          expect(delivery.collections).toBe(collections)
          expect(collections).toBeLessThanOrEqual(3)
          if (isTerminal(before.state)) expect(event).toBe('retry')
          if (delivery.state === 'completed' || delivery.state === 'failed') expect(before.state).toBe('collected')
          if (collections > 0) expect(isTerminal(delivery.state) || delivery.state === 'collected').toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('knows whether a receipt is due, late or of no use', () => {
    expect(receiptStanding(aDelivery({ state: 'collected', collections: 1 }))).toBe('due')
    for (const state of ['expired', 'refused', 'withdrawn'] as const) {
      expect(receiptStanding(aDelivery({ state, collections: 1 }))).toBe('late')
      expect(receiptStanding(aDelivery({ state }))).toBeNull()
    }
    for (const state of ['released', 'requested'] as const) expect(receiptStanding(aDelivery({ state }))).toBeNull()
  })

  it('has a deadline within 90 days', () => {
    for (const deadline of [NOW + 1, NOW + MAX_DEADLINE_SECONDS])
      expect(() => checkDeadline(deadline, NOW)).not.toThrow()
    for (const deadline of [NOW, NOW + MAX_DEADLINE_SECONDS + 1]) {
      expect(() => checkDeadline(deadline, NOW)).toThrow(withCode('malformed'))
    }
  })
})

describe('a transfer', () => {
  it.each([
    [['requested', 'completed'], 'open'],
    [['completed', 'completed'], 'completed'],
    [['completed', 'failed'], 'partial'],
    [['refused', 'withdrawn'], 'closed'],
  ] as const)('of %j is %s', (states, state) => {
    expect(transferState(states.map((each) => ({ state: each })))).toBe(state)
  })
})
