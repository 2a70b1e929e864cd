import type { OrderPayload, Statement } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { statementChange } from '../registry/statement-row.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'

/** Keeps an order as evidence, under its delivery. It becomes a leaf at deposit (PROTOCOL 11). */
export function orderChange(
  context: Pick<ServerContext, 'clock'>,
  delivery: DeliveryRow,
  order: Statement<OrderPayload>,
): Change {
  return statementChange(
    order,
    { user: delivery.owner, subject: delivery.dl, seq: delivery.attempt },
    context.clock.now(),
  )
}
