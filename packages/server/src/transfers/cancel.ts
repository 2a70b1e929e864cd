import type { DeliveryId } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { refuseAgent } from '../registry/whose.ts'
import { afterOthers } from './conflict.ts'
import { findDelivery, noDelivery, requireState } from './find.ts'
import { type Reason, ReasonShape } from './refuse.ts'
import { nameOf } from './standing.ts'
import { step } from './step.ts'
import { type DeliveryView, deliveryView } from './view.ts'

export const CancellationShape: z.ZodType<Partial<Reason>> = z.union([ReasonShape, z.strictObject({})])

/**
 * Row 12 of PROTOCOL 5. In `collected` it is too late: the target has the envelope. Again by the same: nothing changes.
 * @throws {KeyferryError} `not-found`, `access-denied`, `state-conflict`, `delivery-closed`
 */
export async function cancel(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  body: Partial<Reason>,
): Promise<DeliveryView> {
  return afterOthers(async () => {
    const { delivery, as } = await findDelivery(context, caller, dl)
    if (!as.requester && !as.owner && !as.administrator) throw noDelivery()
    refuseAgent(caller)
    const cancelledBy = nameOf(caller)
    if (delivery.state === 'cancelled' && delivery.cancelledBy === cancelledBy) {
      return deliveryView(context, caller, delivery)
    }
    requireState(delivery, 'requested', 'admitted', 'deposited', 'released')
    const cancelled = step(context, delivery, 'cancel', { reason: body.reason ?? 'cancelled', cancelledBy })
    await context.commit(cancelled.changes)
    return deliveryView(context, caller, cancelled.delivery)
  })
}
