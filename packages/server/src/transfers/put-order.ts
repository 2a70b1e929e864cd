import { type DeliveryId, KeyferryError, orderStatement, type Ref, readStatement } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import { asCheckOf } from './check-error.ts'
import { checkOrder, checkParties } from './check-order.ts'
import { findDelivery, requireAttempt, requireState } from './find.ts'
import { noticeFor } from './step.ts'
import { partiesOf } from './transport-key-info.ts'

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
): Promise<{ ref: Ref; created: boolean }> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.orderBy && !(as.source && delivery.orderBy === 'source'))
    throw new KeyferryError('not-found', 'no such delivery')
  requireAttempt(delivery, attempt)
  const order = await asCheckOf('order-invalid', async () => readStatement(orderStatement, text))
  if (delivery.orderRef === order.ref) return { ref: order.ref, created: false }
  requireState(delivery, 'admitted')
  if (delivery.orderRef !== null) {
    throw new KeyferryError('state-conflict', 'another order was put for this attempt', { state: delivery.state })
  }
  await asCheckOf('order-invalid', async () => {
    const parties = await partiesOf(context, delivery)
    await checkOrder(context, delivery, parties, order)
    await checkParties(context, delivery, parties, order.payload)
  })
  const row = { ...delivery, orderRef: order.ref, version: delivery.version + 1, changedAt: context.clock.now() }
  const changes: Change[] = [
    { kind: 'replace-delivery', row },
    {
      kind: 'put-statement',
      row: {
        ref: order.ref,
        typ: orderStatement.typ,
        user: delivery.owner,
        subject: dl,
        seq: attempt,
        text: order.text,
        createdAt: context.clock.now(),
      },
    },
  ]
  if (delivery.orderBy !== 'source') {
    changes.push({ kind: 'insert-notice', row: noticeFor(context, row, 'source-requested', delivery.source) })
  }
  await context.commit(changes)
  return { ref: order.ref, created: true }
}
