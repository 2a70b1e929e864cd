import { type DeliveryId, type DeliveryState, isTerminal, KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { type Standing, standing } from './view.ts'

export interface Found {
  readonly delivery: DeliveryRow
  readonly as: Standing
}

/** @throws {KeyferryError} `not-found` if there is none, or none for this caller: the same answer for both. */
export async function findDelivery(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Found> {
  const delivery = await context.read.delivery(dl)
  const as = delivery === null ? null : standing(caller, delivery)
  if (delivery === null || as === null) throw new KeyferryError('not-found', 'no such delivery')
  return { delivery, as }
}

/** As source device of the delivery (by its device or access key). */
export async function findAsSource(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<DeliveryRow> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.source) throw new KeyferryError('not-found', 'no such delivery')
  return delivery
}

/** As target device itself: another device of its user reads, but does not collect. */
export async function findAsTarget(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<DeliveryRow> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.target || caller.type !== 'device' || caller.device.id !== delivery.target) {
    throw new KeyferryError('not-found', 'no such delivery')
  }
  return delivery
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
