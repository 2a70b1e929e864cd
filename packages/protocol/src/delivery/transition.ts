import { KeyferryError } from '../errors.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import { type DeliveryState, isTerminal, type RefusalStage } from './states.ts'

/** How far a delivery is: what the table of PROTOCOL 5 and its guards read. A server's delivery has more. */
export interface DeliveryProgress {
  readonly state: DeliveryState
  /** Who refused; null unless somebody did. */
  readonly stage: RefusalStage | null
  /** >= 1, at most 3. */
  readonly attempt: number
  /** How often the wrapped key of this attempt was collected, at most 3 times. */
  readonly collections: number
  readonly deadline: EpochSeconds
  readonly changedAt: EpochSeconds
  /** Grows with every event: writers compare and swap on it. */
  readonly version: number
}

/**
 * What moves a delivery, by the rows of PROTOCOL 5: admit 2, refuse 4, 6, 10, deposit 7, release 8, collect 9, install and
 * reject 11, cancel 12, expire 13, withdraw 14, retry 15. Policy and statements were checked before.
 */
export const DELIVERY_EVENTS = [
  'admit',
  'deposit',
  'release',
  'collect',
  'install',
  'reject',
  'refuse',
  'cancel',
  'expire',
  'withdraw',
  'retry',
] as const
export type DeliveryEvent = (typeof DELIVERY_EVENTS)[number]

export const MAX_ATTEMPTS = 3
export const MAX_COLLECTIONS = 3
export const MAX_DEADLINE_SECONDS: number = 90 * 86_400

/** The table of PROTOCOL 5: where an event leads from a state. What is not here is not allowed. */
export const MOVES: Readonly<Record<DeliveryState, Readonly<Partial<Record<DeliveryEvent, DeliveryState>>>>> = {
  requested: {
    admit: 'admitted',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  admitted: {
    deposit: 'deposited',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  deposited: {
    release: 'released',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  released: {
    collect: 'collected',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  collected: {
    collect: 'collected',
    install: 'completed',
    reject: 'failed',
    refuse: 'refused',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  failed: { retry: 'requested' },
  expired: { retry: 'requested' },
  refused: { retry: 'requested' },
  cancelled: { retry: 'requested' },
  completed: {},
  withdrawn: {},
}

/** Rows 4, 6, 10: who can refuse in which state. */
const REFUSALS: Readonly<Partial<Record<DeliveryState, readonly RefusalStage[]>>> = {
  requested: ['ac1'],
  admitted: ['ac1', 'source'],
  deposited: ['ac2'],
  released: ['ac2', 'target'],
  collected: ['ac2'],
}

/**
 * What a delivery is after an event, counts included: a collection more, or another attempt. Reads no clock and no store; the
 * caller adds what the event brings (stage, reason, refs, a new deadline) and writes all of it, with notices and leaves, in
 * one transaction.
 * @throws {KeyferryError} `delivery-closed` for what a terminal state forbids, else `state-conflict`, both with `state`;
 *   `already-collected`
 */
export function transition<D extends DeliveryProgress>(delivery: D, event: DeliveryEvent, at: EpochSeconds): D {
  const state = MOVES[delivery.state][event]
  if (state === undefined) throw forbidden(delivery.state, `${delivery.state} does not allow ${event}`)
  guard(delivery, event, at)
  return { ...delivery, ...countsAfter(delivery, event), state, changedAt: at, version: delivery.version + 1 }
}

function guard(delivery: DeliveryProgress, event: DeliveryEvent, at: EpochSeconds): void {
  const { state } = delivery
  if (event === 'expire' && !isOverdue(delivery, at)) throw forbidden(state, 'the deadline has not passed')
  if (event === 'retry' && !mayRetry(delivery)) throw forbidden(state, 'it is not tried again')
  if (event === 'collect' && delivery.collections >= MAX_COLLECTIONS) {
    throw new KeyferryError('already-collected', `collected ${MAX_COLLECTIONS} times`, { state })
  }
}

function countsAfter(delivery: DeliveryProgress, event: DeliveryEvent): Partial<DeliveryProgress> {
  if (event === 'collect') return { collections: delivery.collections + 1 }
  if (event === 'retry') return { attempt: delivery.attempt + 1, collections: 0, stage: null }
  return {}
}

/** Row 13: whether the deadline has passed, so that nothing but `expire` should happen any more. */
export function isOverdue(delivery: Pick<DeliveryProgress, 'deadline'>, at: EpochSeconds): boolean {
  return at >= delivery.deadline
}

/** Rows 4, 6, 10: whether this stage can refuse in this state. */
export function mayRefuse(state: DeliveryState, stage: RefusalStage): boolean {
  return REFUSALS[state]?.includes(stage) ?? false
}

/**
 * Row 15, but for who asks (the requester; of a cancelled one who cancelled): what a decision or an approver denied is
 * requested anew, not tried again, and there are three attempts.
 */
export function mayRetry(delivery: Pick<DeliveryProgress, 'state' | 'stage' | 'attempt'>): boolean {
  const { state, stage, attempt } = delivery
  if (MOVES[state].retry === undefined || attempt >= MAX_ATTEMPTS) return false
  return state !== 'refused' || stage === 'source' || stage === 'target'
}

/**
 * A deadline lies ahead, by 90 days at most (E1, retry).
 * @throws {KeyferryError} `malformed`
 */
export function checkDeadline(deadline: EpochSeconds, now: EpochSeconds): void {
  if (deadline <= now || deadline > now + MAX_DEADLINE_SECONDS) {
    throw new KeyferryError('malformed', 'the deadline is not within the next 90 days')
  }
}

/**
 * Where a valid receipt goes while none is stored for this attempt: `due` ends the delivery (row 11); `late` came after an end
 * that followed `collected`, is stored and logged and changes no state; null: nothing was collected in this attempt.
 */
export function receiptStanding(delivery: Pick<DeliveryProgress, 'state' | 'collections'>): 'due' | 'late' | null {
  if (delivery.state === 'collected') return 'due'
  return isTerminal(delivery.state) && delivery.collections > 0 ? 'late' : null
}

function forbidden(state: DeliveryState, message: string): KeyferryError {
  return new KeyferryError(isTerminal(state) ? 'delivery-closed' : 'state-conflict', message, { state })
}
