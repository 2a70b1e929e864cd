import { type DeliveryId, type DeliveryState, isTerminal, KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { lapse } from './lapse.ts'
import { type Standing, standing } from './standing.ts'

export interface Found {
  /** As it is at this moment: an open delivery past its deadline has expired. */
  readonly delivery: DeliveryRow
  /** What to write before any change of `delivery`: its expiry, if nobody has written it so far. */
  readonly lapsed: readonly Change[]
  readonly as: Standing
}

/** @throws {KeyferryError} `not-found` if there is none, or none for this caller: the same answer for both. */
export async function findDelivery(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Found> {
  const stored = await context.read.delivery(dl)
  const as = stored === null ? null : standing(caller, stored)
  if (stored === null || as === null) throw noDelivery()
  const { delivery, changes: lapsed } = lapse(context, stored)
  return { delivery, lapsed, as }
}

/** As source device of the delivery (by its device or access key). */
export async function findAsSource(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Found> {
  const found = await findDelivery(context, caller, dl)
  if (!found.as.source) throw noDelivery()
  return found
}

/** As target device itself: another device of its user reads, but does not collect. */
export async function findAsTarget(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Found> {
  const found = await findDelivery(context, caller, dl)
  if (!isTargetItself(caller, found)) throw noDelivery()
  return found
}

export function isTargetItself(caller: Caller, { as, delivery }: Pick<Found, 'as' | 'delivery'>): boolean {
  return as.target && caller.type === 'device' && caller.device.id === delivery.target
}

export function noDelivery(): KeyferryError {
  return new KeyferryError('not-found', 'no such delivery')
}

/**
 * What a terminal state forbids is 410, else 409 (PROTOCOL 5).
 * @throws {KeyferryError} `delivery-closed`, `state-conflict`
 */
export function requireState(delivery: DeliveryRow, ...allowed: readonly DeliveryState[]): void {
  if (allowed.includes(delivery.state)) return
  throw stateError(delivery)
}

export function stateError(delivery: DeliveryRow): KeyferryError {
  const code = isTerminal(delivery.state) ? 'delivery-closed' : 'state-conflict'
  return new KeyferryError(code, 'the state of the delivery does not allow this', { state: delivery.state })
}

/** @throws {KeyferryError} `state-conflict` unless this is the current attempt. */
export function requireAttempt(delivery: DeliveryRow, attempt: number): void {
  if (delivery.attempt !== attempt) {
    throw new KeyferryError('state-conflict', 'this is not the current attempt', { state: delivery.state })
  }
}
