import {
  DELIVERY_STATES,
  type DeliveryState,
  type EpochSeconds,
  type OrderKey,
  OrderKeyShape,
  type TransferState,
  transferState,
  WAITS,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, TransferRow, WaitingFor } from '../store/rows.ts'
import { linksFor } from './links.ts'
import { isTooEarly } from './not-before.ts'
import { isMereAsker, standing } from './standing.ts'

/** PROTOCOL 5, the delivery object. */
export interface DeliveryView {
  dl: string
  tr: string
  state: DeliveryState
  stage?: string
  reason?: string
  lateReceipt?: boolean
  waitingFor: readonly WaitingFor[]
  attempt: number
  key: OrderKey
  /** Left out for who has only asked, before AC1 permits. */
  source?: string
  target: string
  deadline: number
  changedAt: number
  links: Record<string, string>
}

/** PROTOCOL 5, the transfer object. */
export interface TransferView {
  tr: string
  state: TransferState
  requester: string
  key: string
  deadline: number
  deliveries: DeliveryView[]
}

export const DeliveryViewShape: z.ZodType<DeliveryView> = z.object({
  dl: z.string(),
  tr: z.string(),
  state: z.enum(DELIVERY_STATES),
  stage: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  lateReceipt: z.boolean().exactOptional(),
  waitingFor: z.array(z.enum(WAITS)),
  attempt: z.number(),
  key: OrderKeyShape,
  source: z.string().exactOptional(),
  target: z.string(),
  deadline: z.number(),
  changedAt: z.number(),
  links: z.record(z.string(), z.string()),
})
export const TransferViewShape: z.ZodType<TransferView> = z.object({
  tr: z.string(),
  state: z.enum(['open', 'completed', 'partial', 'closed']),
  requester: z.string(),
  key: z.string(),
  deadline: z.number(),
  deliveries: z.array(DeliveryViewShape),
})

export function deliveryView(
  context: Pick<ServerContext, 'origin' | 'clock'>,
  caller: Caller,
  delivery: DeliveryRow,
): DeliveryView {
  const as = standing(caller, delivery)
  return {
    dl: delivery.dl,
    tr: delivery.tr,
    state: delivery.state,
    ...(delivery.stage === null ? {} : { stage: delivery.stage }),
    ...(delivery.reason === null ? {} : { reason: delivery.reason }),
    ...(delivery.lateReceipt ? { lateReceipt: true } : {}),
    waitingFor: waitingFor(delivery, context.clock.now()),
    attempt: delivery.attempt,
    key: delivery.key,
    ...(as === null || isMereAsker(as, delivery) ? {} : { source: delivery.source }),
    target: delivery.target,
    deadline: delivery.deadline,
    changedAt: delivery.changedAt,
    links: linksFor(context.origin, caller, delivery),
  }
}

/** A state that waits for a proof says so, whether or not a decision was tried; before `notBefore` it waits for nobody. */
function waitingFor(delivery: DeliveryRow, now: EpochSeconds): readonly WaitingFor[] {
  if (delivery.waitingFor.length > 0) return delivery.waitingFor
  if (isTooEarly(delivery, now)) return []
  if (delivery.state === 'requested') return ['source-proof']
  if (delivery.state === 'deposited') return ['target-proof']
  return delivery.state === 'admitted' && delivery.orderBy !== 'source' && delivery.orderRef === null ? ['order'] : []
}

export function transferView(
  context: Pick<ServerContext, 'origin' | 'clock'>,
  caller: Caller,
  transfer: TransferRow,
  deliveries: readonly DeliveryRow[],
): TransferView {
  return {
    tr: transfer.tr,
    state: transferState(deliveries),
    requester: transfer.requester.id,
    key: transfer.key,
    deadline: transfer.deadline,
    deliveries: deliveries
      .filter((delivery) => standing(caller, delivery) !== null)
      .map((delivery) => deliveryView(context, caller, delivery)),
  }
}
