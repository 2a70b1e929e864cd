import { KeyTransferAnswerShape } from '@keyferry/protocol'
import * as z from 'zod'
import { keyTransferInfo } from '../../transfers/key-transfer-info.ts'
import { QueryCountShape } from '../lists.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { DeliveryParams } from './params.ts'

/** T1/T2 (PROTOCOL 7). */
export const keyTransferInfoRoutes: Routes = (app, { context }) => {
  app.get(
    '/v1/deliveries/:dl/key-transfer-info',
    {
      schema: {
        operationId: 'getKeyTransferInfo',
        summary: 'T1/T2: what the target needs to check before it accepts',
        params: DeliveryParams,
        querystring: z.strictObject({ since: QueryCountShape }),
        response: answers({ 200: KeyTransferAnswerShape }),
      },
      config: { accessKey: true, callers: ['device'] },
    },
    async ({ caller, params, query }) => keyTransferInfo(context, caller, params.dl, query.since),
  )
}
