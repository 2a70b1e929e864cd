import { TransportKeyInfoShape } from '@keyferry/protocol'
import * as z from 'zod'
import { transportKeyInfo } from '../../transfers/transport-key-info.ts'
import { QueryCountShape } from '../lists.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { DeliveryParams } from './params.ts'

/** S1/S2 (PROTOCOL 7). */
export const transportKeyInfoRoutes: Routes = (app, { context }) => {
  app.get(
    '/v1/deliveries/:dl/transport-key-info',
    {
      schema: {
        operationId: 'getTransportKeyInfo',
        summary: 'S1/S2: what the source needs to wrap the key',
        params: DeliveryParams,
        querystring: z.strictObject({ since: QueryCountShape }),
        response: answers({ 200: TransportKeyInfoShape }),
      },
      config: { accessKey: true },
    },
    async ({ caller, params, query }) => transportKeyInfo(context, caller, params.dl, query.since),
  )
}
