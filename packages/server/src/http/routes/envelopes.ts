import { DELIVERY_STATES, ThumbprintShape } from '@keyferry/protocol'
import * as z from 'zod'
import { deposit } from '../../transfers/deposit.ts'
import type { Routes } from '../parts.ts'
import { answers, JOSE_JSON, OctetsShape, putStatus } from './answers.ts'
import { AttemptParams, whoseDelivery } from './params.ts'

const DepositShape = z.object({
  envelope: ThumbprintShape,
  state: z.enum(DELIVERY_STATES),
  reason: z.string().exactOptional(),
})

/** E5 (PROTOCOL 8, 9.2). */
export const envelopeRoutes: Routes = (app, parts) => {
  const { context } = parts
  app.put(
    '/v1/deliveries/:dl/envelopes/:attempt',
    {
      schema: {
        operationId: 'putEnvelope',
        summary: 'E5: deposit the wrapped key',
        params: AttemptParams,
        body: OctetsShape,
        response: answers({ 200: DepositShape, 201: DepositShape }),
      },
      bodyLimit: context.limits.envelopeBytes,
      config: { media: JOSE_JSON, accessKey: true, callers: ['device'], whose: whoseDelivery(parts) },
    },
    async ({ caller, params, body }, reply) => {
      const put = await deposit(context, caller, params.dl, params.attempt, body)
      const { envelope, state, reason } = put
      return reply.code(putStatus(put)).send({ envelope, state, ...(reason === undefined ? {} : { reason }) })
    },
  )
}
