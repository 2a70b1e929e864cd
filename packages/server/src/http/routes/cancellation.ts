import { CancellationShape, cancel } from '../../transfers/cancel.ts'
import { DeliveryViewShape } from '../../transfers/view.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { DeliveryParams, whoseDelivery } from './params.ts'

/** Requester, owner or administrator stops a delivery (PROTOCOL 5 row 12). */
export const cancellationRoutes: Routes = (app, parts) => {
  app.post(
    '/v1/deliveries/:dl/cancellation',
    {
      schema: {
        operationId: 'cancelDelivery',
        summary: 'Cancel a delivery',
        params: DeliveryParams,
        body: CancellationShape,
        response: answers({ 200: DeliveryViewShape }),
      },
      config: { media: 'application/json', whose: whoseDelivery(parts) },
    },
    async ({ caller, params, body }) => cancel(parts.context, caller, params.dl, body),
  )
}
