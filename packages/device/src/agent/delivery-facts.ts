import { DELIVERY_STATES, type DeliveryState, type TransferId, TransferIdShape } from '@keyferry/protocol'
import * as z from 'zod'

/** What the agent reads of a delivery: the server's word, which decides no more than what is asked next. */
export interface DeliveryFacts {
  readonly tr: TransferId
  readonly attempt: number
  readonly state: DeliveryState
  readonly reason?: string
}
export const DeliveryFactsShape: z.ZodType<DeliveryFacts> = z.looseObject({
  tr: TransferIdShape,
  attempt: z.int().min(1),
  state: z.enum(DELIVERY_STATES),
  reason: z.string().exactOptional(),
})

/** Of what a step answers, only the state. */
export const StateShape: z.ZodType<{ state: string }> = z.looseObject({ state: z.string() })
