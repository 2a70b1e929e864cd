import { KeyferryError } from '../errors.ts'
import type { Ref } from '../ids/ids.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import { type DeliveryState, isTerminal, type RefusalStage, type Wait } from './states.ts'

/** How far a delivery is: what the table of PROTOCOL 5 reads and writes. A server's delivery has more. */
export interface DeliveryProgress {
  readonly state: DeliveryState
  /** With `refused` only. */
  readonly stage: RefusalStage | null
  /** Why it ended, as a slug: with `refused`, `failed`, `withdrawn`. */
  readonly reason: string | null
  readonly waitingFor: readonly Wait[]
  /** >= 1, at most 3. */
  readonly attempt: number
  /** How often the wrapped key of this attempt was collected, at most 3 times. */
  readonly collections: number
  /** The order of this attempt, once put by its `orderBy` party or deposited. */
  readonly order: Ref | null
  /** The envelope of this attempt; the ref stays when the envelope itself is erased. */
  readonly envelope: Ref | null
  readonly requester: string
  /** Who cancelled, and so who may retry what was cancelled. */
  readonly cancelledBy: string | null
  readonly deadline: EpochSeconds
  readonly changedAt: EpochSeconds
  /** Grows with every event: writers compare and swap on it. */
  readonly version: number
}

/** What can happen to a delivery; the numbers are the rows of PROTOCOL 5. Policy and statements were checked before. */
export type DeliveryEvent =
  /** 2: AC1 permits and nothing is missing. */
  | { readonly type: 'admit' }
  /** 3: a decision has conditions that are not yet met. */
  | { readonly type: 'wait'; readonly waitingFor: readonly Wait[] }
  /** 4, 6, 10: a decision, an approver, the source or the target says no. */
  | { readonly type: 'refuse'; readonly stage: RefusalStage; readonly reason: string }
  /** 5: the `orderBy` party put its order. */
  | { readonly type: 'order'; readonly order: Ref }
  /** 7 */
  | { readonly type: 'deposit'; readonly order: Ref; readonly envelope: Ref }
  /** 8: AC2 permits and nothing is missing. */
  | { readonly type: 'release' }
  /** 9 */
  | { readonly type: 'collect' }
  /** 11: a valid receipt. */
  | { readonly type: 'install' }
  | { readonly type: 'reject'; readonly reason: string }
  /** 12 */
  | { readonly type: 'cancel'; readonly by: string }
  /** 13: the deadline has passed. */
  | { readonly type: 'expire' }
  /** 14 */
  | { readonly type: 'withdraw'; readonly reason: string }
  /** 15 */
  | { readonly type: 'retry'; readonly by: string; readonly deadline: EpochSeconds }
export type DeliveryEventType = DeliveryEvent['type']

export const MAX_ATTEMPTS = 3
export const MAX_COLLECTIONS = 3
export const MAX_DEADLINE_SECONDS: number = 90 * 86_400

/** The table of PROTOCOL 5: where an event leads from a state. What is not here is not allowed. */
export const MOVES: Readonly<Record<DeliveryState, Readonly<Partial<Record<DeliveryEventType, DeliveryState>>>>> = {
  requested: {
    wait: 'requested',
    admit: 'admitted',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  admitted: {
    wait: 'admitted',
    order: 'admitted',
    deposit: 'deposited',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  deposited: {
    wait: 'deposited',
    release: 'released',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  released: {
    wait: 'released',
    collect: 'collected',
    refuse: 'refused',
    cancel: 'cancelled',
    expire: 'expired',
    withdraw: 'withdrawn',
  },
  collected: {
    wait: 'collected',
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
export const REFUSALS: Readonly<Partial<Record<DeliveryState, readonly RefusalStage[]>>> = {
  requested: ['ac1'],
  admitted: ['ac1', 'source'],
  deposited: ['ac2'],
  released: ['ac2', 'target'],
  collected: ['ac2'],
}

/**
 * What a delivery is after an event. Reads no clock and no store; the caller writes the result with what belongs to it (the
 * erased key, notices, leaves) in one transaction.
 * @param at - when the event happens. From the deadline on nothing but `expire`, `withdraw` and `retry` does.
 * @throws {KeyferryError} `delivery-closed` for what a terminal state (or the deadline) forbids, else `state-conflict`, both
 *   with `state`; `already-collected`; `access-denied` for a retry by another; `malformed` for a deadline out of range.
 */
export function transition<D extends DeliveryProgress>(delivery: D, event: DeliveryEvent, at: EpochSeconds): D {
  const state = MOVES[delivery.state][event.type]
  if (state === undefined) throw forbidden(delivery.state, event.type)
  if (event.type === 'retry') guardRetry(delivery, event, at)
  else guard(delivery, event, at)
  const moved = { ...delivery, state, waitingFor: [], version: delivery.version + 1 }
  // Waiting changes the resource, not how far it is.
  if (event.type === 'wait') return { ...moved, waitingFor: event.waitingFor }
  return { ...moved, ...effect(delivery, event), changedAt: at }
}

type Effect = Partial<DeliveryProgress>

function effect(delivery: DeliveryProgress, event: DeliveryEvent): Effect {
  switch (event.type) {
    case 'refuse':
      return { stage: event.stage, reason: event.reason }
    case 'reject':
    case 'withdraw':
      return { reason: event.reason }
    case 'order':
      return { order: event.order }
    case 'deposit':
      return { order: event.order, envelope: event.envelope }
    case 'collect':
      return { collections: delivery.collections + 1 }
    case 'cancel':
      return { cancelledBy: event.by }
    case 'retry':
      return {
        attempt: delivery.attempt + 1,
        deadline: event.deadline,
        stage: null,
        reason: null,
        collections: 0,
        order: null,
        envelope: null,
        cancelledBy: null,
      }
    default:
      return {}
  }
}

function guard(delivery: DeliveryProgress, event: Exclude<DeliveryEvent, { type: 'retry' }>, at: EpochSeconds): void {
  const { state } = delivery
  const overdue = at >= delivery.deadline
  if (event.type === 'expire' && !overdue) throw conflict(state, 'the deadline has not passed')
  if (overdue && event.type !== 'expire' && event.type !== 'withdraw')
    throw closed('expired', 'the deadline has passed')
  if (event.type === 'refuse' && !REFUSALS[state]?.includes(event.stage)) {
    throw conflict(state, `stage ${event.stage} does not refuse in ${state}`)
  }
  if (event.type === 'order' && delivery.order !== null) throw conflict(state, 'it has an order')
  if (event.type === 'deposit' && delivery.order !== null && delivery.order !== event.order) {
    throw conflict(state, 'it has another order')
  }
  if (event.type === 'collect' && delivery.collections >= MAX_COLLECTIONS) {
    throw new KeyferryError('already-collected', `collected ${MAX_COLLECTIONS} times`)
  }
}

function guardRetry(
  delivery: DeliveryProgress,
  event: Extract<DeliveryEvent, { type: 'retry' }>,
  at: EpochSeconds,
): void {
  const { state, stage, attempt } = delivery
  // What policy or an approver denied is requested anew, not tried again.
  if (state === 'refused' && stage !== 'source' && stage !== 'target') throw closed(state, 'refused for good')
  if (attempt >= MAX_ATTEMPTS) throw closed(state, `tried ${MAX_ATTEMPTS} times`)
  const by = state === 'cancelled' ? delivery.cancelledBy : delivery.requester
  if (event.by !== by) throw new KeyferryError('access-denied', 'another one may retry this', { state })
  checkDeadline(event.deadline, at)
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
 * Where a valid receipt goes: `due` ends the delivery (row 11); `late` came after an end that followed `collected`, is stored
 * and logged and changes no state; null: nothing was collected in this attempt, or its receipt is known.
 */
export function receiptStanding(delivery: DeliveryProgress): 'due' | 'late' | null {
  const { state, collections } = delivery
  if (state === 'collected') return 'due'
  if (collections === 0 || state === 'completed' || state === 'failed') return null
  return isTerminal(state) ? 'late' : null
}

function forbidden(state: DeliveryState, event: DeliveryEventType): KeyferryError {
  const message = `${state} does not allow ${event}`
  return isTerminal(state) ? closed(state, message) : conflict(state, message)
}

function closed(state: DeliveryState, message: string): KeyferryError {
  return new KeyferryError('delivery-closed', message, { state })
}

function conflict(state: DeliveryState, message: string): KeyferryError {
  return new KeyferryError('state-conflict', message, { state })
}
