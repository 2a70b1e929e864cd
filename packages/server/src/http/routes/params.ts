import { type DeliveryId, DeliveryIdShape, parseId, type TransferId, TransferIdShape } from '@keyferry/protocol'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { findDelivery } from '../../transfers/find.ts'
import { AttemptShape } from '../lists.ts'
import type { RouteParts } from '../parts.ts'

export const DeliveryParams: z.ZodType<{ dl: DeliveryId }> = z.object({ dl: DeliveryIdShape })
export const AttemptParams: z.ZodType<{ dl: DeliveryId; attempt: number }> = z.object({
  dl: DeliveryIdShape,
  attempt: AttemptShape,
})
export const TransferParams: z.ZodType<{ tr: TransferId }> = z.object({ tr: TransferIdShape })

/** *Whose* of everything under a delivery: asked before a faulty body is refused. */
export function whoseDelivery({ context }: RouteParts): (request: FastifyRequest) => Promise<unknown> {
  return async (request) => findDelivery(context, request.caller, deliveryIn(request))
}

/** Of a request whose parameters were not looked at yet. */
function deliveryIn(request: FastifyRequest): DeliveryId {
  return parseId('dl', (request.params as { dl?: string }).dl ?? '')
}
