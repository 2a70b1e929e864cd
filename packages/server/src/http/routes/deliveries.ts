import { DELIVERY_STATES, DeliveryIdShape, type DeliveryState } from '@keyferry/protocol'
import * as z from 'zod'
import { getDelivery, listDeliveries } from '../../transfers/read.ts'
import { DeliveryViewShape } from '../../transfers/view.ts'
import { LimitShape, pageShape } from '../lists.ts'
import type { Routes } from '../parts.ts'
import { answerVersioned } from '../waiting.ts'
import { answers } from './answers.ts'
import { DeliveryParams } from './params.ts'

const StateShape = z.enum(DELIVERY_STATES)

/** One state, or several with commas between them. */
const StatesShape: z.ZodType<DeliveryState[], string> = z
  .string()
  .transform((text) => text.split(',') as DeliveryState[])
  .pipe(z.array(StateShape).min(1).max(DELIVERY_STATES.length))

/** `/v1/deliveries` (PROTOCOL 15). */
export const deliveryRoutes: Routes = (app, parts) => {
  const { context } = parts
  app.get(
    '/v1/deliveries',
    {
      schema: {
        operationId: 'listDeliveries',
        summary: 'Deliveries of the calling device in one role',
        querystring: z.strictObject({
          role: z.enum(['source', 'target']),
          state: StatesShape.exactOptional(),
          limit: LimitShape,
          cursor: DeliveryIdShape.exactOptional(),
        }),
        response: answers({ 200: pageShape(DeliveryViewShape) }),
      },
      config: { accessKey: true },
    },
    async ({ caller, query: { state, ...query } }) =>
      listDeliveries(context, caller, { ...query, ...(state === undefined ? {} : { states: state }) }),
  )

  app.get(
    '/v1/deliveries/:dl',
    {
      schema: {
        operationId: 'getDelivery',
        summary: 'A delivery',
        params: DeliveryParams,
        response: answers({ 200: DeliveryViewShape }),
      },
      config: { accessKey: true },
    },
    async (request, reply) =>
      answerVersioned(parts, request, reply, request.params.dl, () =>
        getDelivery(context, request.caller, request.params.dl),
      ),
  )
}
