import { type DeliveryId, mayRefuse } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { afterOthers } from './conflict.ts'
import { type Found, findDelivery, isTargetItself, noDelivery, stateError } from './find.ts'
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
  return afterOthers(async () => {
    const found = await findDelivery(context, caller, dl)
    const { delivery } = found
    const stage = stageOf(caller, found)
    const isRepeat = delivery.state === 'refused' && delivery.stage === stage && delivery.reason === reason
    if (isRepeat) return deliveryView(context, caller, delivery)
    if (!mayRefuse(delivery.state, stage)) throw stateError(delivery)
    const refused = step(context, delivery, 'refuse', { stage, reason })
    await context.commit(refused.changes)
    return deliveryView(context, caller, refused.delivery)
  })
}

function stageOf(caller: Caller, found: Found): 'source' | 'target' {
  if (isTargetItself(caller, found)) return 'target'
  if (found.as.source || found.as.orderBy) return 'source'
  throw noDelivery()
}
