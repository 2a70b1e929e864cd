import { RetryShape, retry } from '../../transfers/retry.ts'
import { type DeliveryView, DeliveryViewShape } from '../../transfers/view.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { DeliveryParams, whoseDelivery } from './params.ts'

/** A new attempt (PROTOCOL 5 row 15). */
export const retryRoutes: Routes = (app, parts) => {
  app.post(
    '/v1/deliveries/:dl/retry',
    {
      schema: {
        operationId: 'retryDelivery',
        summary: 'Try a delivery again',
        params: DeliveryParams,
        body: RetryShape,
        response: answers({ 200: DeliveryViewShape }),
      },
      config: { media: 'application/json', whose: whoseDelivery(parts) },
    },
    async (request, reply) =>
      parts.idempotency.once<DeliveryView>(request, reply, 200, (remember) =>
        retry(parts.context, request.caller, request.params.dl, request.body, remember),
      ),
  )
}
