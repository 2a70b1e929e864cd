import {
  type DeliveryState,
  isTerminal,
  type OrderKey,
  OrderKeyShape,
  type TransferState,
  transferState,
} from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, isAdministrator, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, Requester, TransferRow, WaitingFor } from '../store/rows.ts'

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
  source: string
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
  state: z.string() as unknown as z.ZodType<DeliveryState>,
  stage: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  lateReceipt: z.boolean().exactOptional(),
  waitingFor: z.array(z.enum(['source-proof', 'target-proof', 'approval', 'order', 'code'])),
  attempt: z.number(),
  key: OrderKeyShape,
  source: z.string(),
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

/** How a caller stands to a delivery. Several may hold at once. */
export interface Standing {
  readonly requester: boolean
  readonly owner: boolean
  readonly source: boolean
  readonly target: boolean
  readonly orderBy: boolean
  readonly administrator: boolean
}

/**
 * Who may see a delivery (PROTOCOL 15, *Whose*; 6: nothing is told to source or target before proof and permit; 5: the requester sees
 * no device that he did not name before AC1 permits). `null`: it does not exist for this caller.
 */
export function standing(caller: Caller, delivery: DeliveryRow): Standing | null {
  const user = userOf(caller)
  const device = caller.type === 'device' ? caller.device.id : null
  const self = caller.type === 'application' ? caller.application.id : device
  const asked = self === delivery.requester.id || (user !== null && user === delivery.requester.user)
  const admitted = delivery.admittedAt !== null
  const view: Standing = {
    requester: asked && (delivery.named || admitted),
    owner: user === delivery.owner,
    source: device === delivery.source && admitted,
    target: (device === delivery.target || user === delivery.targetUser) && delivery.releasedAt !== null,
    orderBy: self !== null && self === delivery.orderBy && admitted,
    administrator: isAdministrator(caller),
  }
  return Object.values(view).some(Boolean) ? view : null
}

export function deliveryView(
  context: Pick<ServerContext, 'origin'>,
  caller: Caller,
  delivery: DeliveryRow,
): DeliveryView {
  return {
    dl: delivery.dl,
    tr: delivery.tr,
    state: delivery.state,
    ...(delivery.stage === null ? {} : { stage: delivery.stage }),
    ...(delivery.reason === null ? {} : { reason: delivery.reason }),
    ...(delivery.lateReceipt ? { lateReceipt: true } : {}),
    waitingFor: waitingFor(delivery),
    attempt: delivery.attempt,
    key: delivery.key,
    source: delivery.source,
    target: delivery.target,
    deadline: delivery.deadline,
    changedAt: delivery.changedAt,
    links: links(context.origin, caller, delivery),
  }
}

/** A state that waits for a proof says so, whether or not a decision was tried. */
function waitingFor(delivery: DeliveryRow): readonly WaitingFor[] {
  if (delivery.waitingFor.length > 0) return delivery.waitingFor
  if (delivery.state === 'requested') return ['source-proof']
  if (delivery.state === 'deposited') return ['target-proof']
  return delivery.state === 'admitted' && delivery.orderBy !== 'source' && delivery.orderRef === null ? ['order'] : []
}

type LinkRule = (delivery: DeliveryRow, standing: Standing, caller: Caller) => string | null

/** What the caller may do now, as path under the delivery. */
const LINKS: Record<string, LinkRule> = {
  self: () => '',
  'transport-key-info': (d, s) => ((s.source || s.orderBy) && d.state === 'admitted' ? '/transport-key-info' : null),
  order: (d, s) =>
    (s.orderBy || (s.source && d.orderBy === 'source')) && d.state === 'admitted' && d.orderRef === null
      ? `/orders/${d.attempt}`
      : null,
  envelope: (d, s) => (s.source && d.state === 'admitted' ? `/envelopes/${d.attempt}` : null),
  'key-transfer-info': (d, s, c) => (isTarget(d, s, c) && holdsForTarget(d) ? '/key-transfer-info' : null),
  collections: (d, s, c) => (isTarget(d, s, c) && holdsForTarget(d) && d.collections < 3 ? '/collections' : null),
  receipt: (d, s, c) => (isTarget(d, s, c) && d.state === 'collected' ? `/receipts/${d.attempt}` : null),
  refusal: (d, s, c) =>
    ((s.source || s.orderBy) && d.state === 'admitted') || (isTarget(d, s, c) && d.state === 'released')
      ? '/refusal'
      : null,
  approvals: (d) => (d.waitingFor.includes('approval') ? '/approvals' : null),
  cancellation: (d, s) =>
    (s.requester || s.owner || s.administrator) && !isTerminal(d.state) && d.state !== 'collected'
      ? '/cancellation'
      : null,
  retry: (d, s) => (s.requester && mayRetry(d) ? '/retry' : null),
}

function isTarget(delivery: DeliveryRow, standing: Standing, caller: Caller): boolean {
  return standing.target && caller.type === 'device' && caller.device.id === delivery.target
}

function holdsForTarget(delivery: DeliveryRow): boolean {
  return delivery.state === 'released' || delivery.state === 'collected'
}

/** Row 15 of PROTOCOL 5 without the question who asks. */
export function mayRetry(delivery: DeliveryRow): boolean {
  const stageAllows = delivery.state !== 'refused' || delivery.stage === 'source' || delivery.stage === 'target'
  const stateAllows = ['failed', 'expired', 'refused', 'cancelled'].includes(delivery.state)
  return stateAllows && stageAllows && delivery.attempt < 3
}

function links(origin: string, caller: Caller, delivery: DeliveryRow): Record<string, string> {
  const as = standing(caller, delivery)
  if (as === null) return {}
  const base = `${origin}/v1/deliveries/${delivery.dl}`
  return Object.fromEntries(
    Object.entries(LINKS).flatMap(([name, rule]) => {
      const path = rule(delivery, as, caller)
      return path === null ? [] : [[name, base + path]]
    }),
  )
}

export function transferView(
  context: Pick<ServerContext, 'origin'>,
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

/** Whether the caller may see the transfer at all: who asked, and whoever sees one of its deliveries. */
export function seesTransfer(caller: Caller, requester: Requester, deliveries: readonly DeliveryRow[]): boolean {
  const user = userOf(caller)
  const self =
    caller.type === 'application' ? caller.application.id : caller.type === 'device' ? caller.device.id : null
  if (self === requester.id || (user !== null && user === requester.user)) return true
  return isAdministrator(caller) || deliveries.some((delivery) => standing(caller, delivery) !== null)
}
