import * as z from 'zod'
import { collect } from '../../transfers/collect.ts'
import type { Routes } from '../parts.ts'
import { JOSE_JSON } from './answers.ts'
import { DeliveryParams, whoseDelivery } from './params.ts'

/** E8/E9: the envelope octets, unchanged (PROTOCOL 5 rows 9 and 10). */
export const collectionRoutes: Routes = (app, parts) => {
  app.post(
    '/v1/deliveries/:dl/collections',
    {
      schema: {
        operationId: 'collect',
        summary: 'E8/E9: collect the wrapped key; answers with the envelope, application/jose+json',
        params: DeliveryParams,
        body: z.strictObject({}),
      },
      config: { media: 'application/json', accessKey: true, callers: ['device'], whose: whoseDelivery(parts) },
    },
    async ({ caller, params }, reply) => {
      const octets = await collect(parts.context, caller, params.dl)
      return reply.header('content-type', JOSE_JSON).header('cache-control', 'no-store').send(octets)
    },
  )
}
