import { type DeliveryId, KeyferryError } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { findDelivery, requireState } from './find.ts'
import { step } from './step.ts'
import { type DeliveryView, deliveryView } from './view.ts'

export interface Reason {
  reason: string
}
/** A slug: what people read is made from it, so it carries no text of its own. */
export const ReasonShape: z.ZodType<Reason> = z.strictObject({ reason: z.string().regex(/^[a-z0-9-]{1,64}$/) })

/**
 * Row 6 of PROTOCOL 5: source (or who orders) in `admitted`, target in `released`. The same refusal again changes nothing.
 * @throws {KeyferryError} `not-found`, `state-conflict`, `delivery-closed`
 */
export async function refuse(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  { reason }: Reason,
): Promise<DeliveryView> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  const isTarget = caller.type === 'device' && caller.device.id === delivery.target && as.target
  const stage = isTarget ? 'target' : as.source || as.orderBy ? 'source' : null
  if (stage === null) throw new KeyferryError('not-found', 'no such delivery')
  const repeated = delivery.state === 'refused' && delivery.stage === stage && delivery.reason === reason
  if (repeated) return deliveryView(context, caller, delivery)
  requireState(delivery, stage === 'target' ? 'released' : 'admitted')
  const refused = step(context, delivery, 'refuse', { stage, reason })
  await context.commit(refused.changes)
  return deliveryView(context, caller, refused.delivery)
}
