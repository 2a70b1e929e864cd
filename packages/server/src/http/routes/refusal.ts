import { ReasonShape, refuse } from '../../transfers/refuse.ts'
import { DeliveryViewShape } from '../../transfers/view.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { DeliveryParams, whoseDelivery } from './params.ts'

/** Source, who orders, or target says no (PROTOCOL 5 row 6). */
export const refusalRoutes: Routes = (app, parts) => {
  app.post(
    '/v1/deliveries/:dl/refusal',
    {
      schema: {
        operationId: 'refuseDelivery',
        summary: 'Refuse a delivery',
        params: DeliveryParams,
        body: ReasonShape,
        response: answers({ 200: DeliveryViewShape }),
      },
      config: {
        media: 'application/json',
        accessKey: true,
        callers: ['device', 'application'],
        whose: whoseDelivery(parts),
      },
    },
    async ({ caller, params, body }) => refuse(parts.context, caller, params.dl, body),
  )
}
