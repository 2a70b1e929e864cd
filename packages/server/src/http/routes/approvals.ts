import { ApprovalShape, approve } from '../../transfers/approve.ts'
import { DeliveryViewShape } from '../../transfers/view.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { DeliveryParams, whoseDelivery } from './params.ts'

/** Somebody whom policy names says yes or no (PROTOCOL 5 rows 3 and 4). */
export const approvalRoutes: Routes = (app, parts) => {
  app.post(
    '/v1/deliveries/:dl/approvals',
    {
      schema: {
        operationId: 'approveDelivery',
        summary: 'Say yes or no where policy asks for it',
        params: DeliveryParams,
        body: ApprovalShape,
        response: answers({ 200: DeliveryViewShape }),
      },
      config: { media: 'application/json', callers: ['device', 'user'], whose: whoseDelivery(parts) },
    },
    async ({ caller, params, body }) => approve(parts.context, caller, params.dl, body),
  )
}
