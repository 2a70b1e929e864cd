import { DELIVERY_STATES, ThumbprintShape } from '@keyferry/protocol'
import * as z from 'zod'
import { acknowledge } from '../../transfers/acknowledge.ts'
import { getReceipt } from '../../transfers/get-receipt.ts'
import type { Routes } from '../parts.ts'
import { answers, CompactShape, JOSE, putStatus } from './answers.ts'
import { AttemptParams, whoseDelivery } from './params.ts'

const ReceiptPutShape = z.object({ ref: ThumbprintShape, index: z.number(), state: z.enum(DELIVERY_STATES) })

/** E10 (PROTOCOL 5 row 11). */
export const receiptRoutes: Routes = (app, parts) => {
  const { context } = parts
  app.put(
    '/v1/deliveries/:dl/receipts/:attempt',
    {
      schema: {
        operationId: 'putReceipt',
        summary: "E10: the target's signed answer",
        params: AttemptParams,
        body: CompactShape,
        response: answers({ 200: ReceiptPutShape, 201: ReceiptPutShape }),
      },
      config: { media: JOSE, accessKey: true, callers: ['device'], whose: whoseDelivery(parts) },
    },
    async ({ caller, params, body }, reply) => {
      const put = await acknowledge(context, caller, params.dl, params.attempt, body)
      return reply.code(putStatus(put)).send({ ref: put.ref, index: put.index, state: put.state })
    },
  )

  app.get(
    '/v1/deliveries/:dl/receipts/:attempt',
    {
      schema: { operationId: 'getReceipt', summary: 'The receipt: evidence for its parties', params: AttemptParams },
      config: { accessKey: true },
    },
    async ({ caller, params }, reply) => {
      const text = await getReceipt(context, caller, params.dl, params.attempt)
      return reply.header('content-type', JOSE).send(Buffer.from(text))
    },
  )
}
