import { type DeliveryId, orderStatement, type Ref, readStatement } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import { asCheckOf } from './check-error.ts'
import { checkOrder } from './check-order.ts'
import { checkParties } from './check-parties.ts'
import { afterOthers } from './conflict.ts'
import { findDelivery, noDelivery, requireAttempt, requireState, stateError } from './find.ts'
import { orderChange } from './order-change.ts'
import { otherEndingOf, partiesOf, requireNotEnded } from './parties.ts'
import { noticeFor } from './step.ts'

export interface OrderPut {
  readonly ref: Ref
  readonly created: boolean
}

/**
 * Row 5 of PROTOCOL 5: the party named in `orderBy` puts its order. The same order (same ref) again changes nothing.
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`, `order-invalid` with `check`
 */
export async function putOrder(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  attempt: number,
  text: string,
): Promise<OrderPut> {
  return afterOthers(() => putOnce(context, caller, dl, attempt, text))
}

async function putOnce(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  attempt: number,
  text: string,
): Promise<OrderPut> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.orderBy && !(as.source && delivery.orderBy === 'source')) throw noDelivery()
  requireAttempt(delivery, attempt)
  if (delivery.orderRef === null) requireState(delivery, 'admitted')
  const order = await asCheckOf('order-invalid', async () => readStatement(orderStatement, text))
  if (delivery.orderRef === order.ref) return { ref: order.ref, created: false }
  if (delivery.orderRef !== null) throw stateError(delivery)
  const parties = await partiesOf(context, delivery)
  await requireNotEnded(context, delivery, await otherEndingOf(context, delivery, parties))
  await asCheckOf('order-invalid', async () => {
    await checkOrder(context, delivery, parties, order)
    await checkParties(context, delivery, parties, order.payload)
  })
  const row = { ...delivery, orderRef: order.ref, version: delivery.version + 1, changedAt: context.clock.now() }
  const changes: Change[] = [{ kind: 'replace-delivery', row }, orderChange(context, delivery, order)]
  if (delivery.orderBy !== 'source') {
    changes.push({ kind: 'insert-notice', row: noticeFor(context, row, 'source-requested', delivery.source) })
  }
  await context.commit(changes)
  return { ref: order.ref, created: true }
}
