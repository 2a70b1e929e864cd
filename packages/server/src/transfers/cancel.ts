import { type DeliveryId, KeyferryError } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { findDelivery, requireState } from './find.ts'
import { type Reason, ReasonShape } from './refuse.ts'
import { step } from './step.ts'
import { type DeliveryView, deliveryView } from './view.ts'

export const CancellationShape: z.ZodType<Partial<Reason>> = z.union([ReasonShape, z.strictObject({})])

/**
 * Row 12 of PROTOCOL 5. In `collected` it is too late: the target has the envelope.
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`
 */
export async function cancel(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  body: Partial<Reason>,
): Promise<DeliveryView> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.requester && !as.owner && !as.administrator) throw new KeyferryError('not-found', 'no such delivery')
  requireState(delivery, 'requested', 'admitted', 'deposited', 'released')
  const cancelled = step(context, delivery, 'cancel', {
    reason: body.reason ?? 'cancelled',
    cancelledBy: nameOf(caller),
  })
  await context.commit(cancelled.changes)
  return deliveryView(context, caller, cancelled.delivery)
}

/** Who cancelled is who may retry: a person rather than one of his devices. */
export function nameOf(caller: Caller): string {
  switch (caller.type) {
    case 'device':
      return caller.device.user
    case 'user':
      return caller.user
    case 'application':
      return caller.application.id
    case 'newcomer':
      return caller.keyid
    case 'operator':
      return 'operator'
  }
}
