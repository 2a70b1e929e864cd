import { ThumbprintShape } from '@keyferry/protocol'
import * as z from 'zod'
import { putOrder } from '../../transfers/put-order.ts'
import type { Routes } from '../parts.ts'
import { answers, CompactShape, JOSE, putStatus } from './answers.ts'
import { AttemptParams, whoseDelivery } from './params.ts'

const OrderPutShape = z.object({ ref: ThumbprintShape })

/** The owner's permission, put by whom the requester named (PROTOCOL 2.4, 5 row 5). */
export const orderRoutes: Routes = (app, parts) => {
  app.put(
    '/v1/deliveries/:dl/orders/:attempt',
    {
      schema: {
        operationId: 'putOrder',
        summary: 'Put the order of a delivery',
        params: AttemptParams,
        body: CompactShape,
        response: answers({ 200: OrderPutShape, 201: OrderPutShape }),
      },
      config: { media: JOSE, accessKey: true, callers: ['device', 'application'], whose: whoseDelivery(parts) },
    },
    async ({ caller, params, body }, reply) => {
      const put = await putOrder(parts.context, caller, params.dl, params.attempt, body)
      return reply.code(putStatus(put)).send({ ref: put.ref })
    },
  )
}
