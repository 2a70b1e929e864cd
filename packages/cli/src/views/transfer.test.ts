import type { DeliveryShown, TransferShown } from '@keyferry/device'
import { describe, expect, it } from 'vitest'
import { paintFor } from '../console/paint.ts'
import { until } from '../console/times.ts'
import { type Shown, transferLines, waitText } from './transfer.ts'

const NOW = Date.UTC(2026, 10, 24, 12) / 1000
const HOUR = 3600

/** A device called laptop, which names no other and started nothing but `tr_luis`, for luis. */
const open = {
  folder: '/nowhere',
  store: {
    identity: { find: () => ({ device: 'LAPTOP', label: 'laptop' }) },
    keys: { find: () => ({ label: 'ssh' }) },
    started: { find: (tr: string) => (tr === 'tr_luis' ? { targets: [{ username: 'luis' }] } : null) },
  },
} as unknown as Shown['open']
const shown: Shown = { open, now: NOW, paint: paintFor(false, {}) }

const delivery: DeliveryShown = {
  dl: 'dl_1',
  tr: 'tr_1',
  state: 'deposited',
  waitingFor: ['target-proof'],
  attempt: 1,
  key: { id: 'k', generation: 1 },
  source: 'LAPTOP',
  target: 'PHONE',
  deadline: NOW + HOUR,
  changedAt: NOW - HOUR,
}

function transfer(...deliveries: readonly DeliveryShown[]): TransferShown {
  return { tr: 'tr_1' as never, state: 'open', requester: 'LAPTOP', key: 'k', deadline: NOW + 2 * HOUR, deliveries }
}

describe('whom a delivery waits for', () => {
  it('is said by name, for whom that is known', () => {
    expect(waitText(shown, { ...delivery, waitingFor: ['source-proof'] })).toBe('waits for laptop to come online')
    expect(waitText(shown, { ...delivery, tr: 'tr_luis' })).toBe('waits for luis to come online')
    expect(waitText(shown, delivery)).toBe('waits for the target to come online')
    expect(waitText(shown, { ...delivery, waitingFor: [] })).toBe('')
    const turn = (state: string): string => waitText(shown, { ...delivery, state, waitingFor: [] })
    expect(turn('admitted')).toBe('waits for laptop to wrap it')
    expect(turn('released')).toBe('waits for the target to take it in')
    expect(turn('collected')).toBe('waits for the target to sign that it has it')
    expect(turn('completed')).toBe('')
  })

  it('is said with when it was there last', () => {
    const seen = (at: number | null): string => waitText({ ...shown, lastSeen: new Map([['PHONE', at]]) }, delivery)
    expect(seen(NOW - 3 * HOUR)).toMatch(/online, last seen 3 h ago$/)
    expect(seen(null)).toMatch(/online$/)
  })
})

describe('a transfer', () => {
  it('lasts as long as its last delivery, which may have been tried again', () => {
    const again = { ...delivery, attempt: 2, deadline: NOW + 48 * HOUR }
    expect(transferLines(shown, transfer(delivery, again), new Map())[0]).toContain(until(again.deadline, NOW))
    expect(transferLines(shown, transfer(delivery), new Map())[0]).toContain(until(delivery.deadline, NOW))
  })

  it('tells the decision at collection from the one before it, and from that of another attempt', () => {
    const record = { decision: 'permit', reason: 'default/own-devices', at: NOW }
    const of = (stage: string, attempt: number) => ({ ...record, stage, attempt })
    const decisions = [of('ac1', 1), of('ac2', 1), of('ac2', 1), of('ac1', 2), of('ac2', 2)]
    const lines = transferLines(shown, transfer(delivery), new Map([['dl_1', decisions]]))
    expect(lines.flatMap((line) => /(first decision|second decision|at collection):/.exec(line)?.[1] ?? [])).toEqual([
      'first decision',
      'second decision',
      'at collection',
      'first decision',
      'second decision',
    ])
  })

  it('says its state once', () => {
    const cancelled = { ...delivery, state: 'cancelled', reason: 'cancelled', waitingFor: [] }
    expect(transferLines(shown, transfer(cancelled), new Map()).join('\n')).not.toContain('(cancelled)')
  })
})
