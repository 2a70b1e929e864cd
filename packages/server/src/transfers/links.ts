import { isTerminal, MAX_COLLECTIONS, mayRefuse, mayRetry } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { mayAskAgain, type Standing, standing } from './standing.ts'

type LinkRule = (delivery: DeliveryRow, standing: Standing, caller: Caller) => string | null

/** What the caller may do now, as path under the delivery (PROTOCOL 5, `links`). */
const LINKS: Record<string, LinkRule> = {
  self: () => '',
  'transport-key-info': (d, s) => ((s.source || s.orderBy) && d.state === 'admitted' ? '/transport-key-info' : null),
  order: (d, s) =>
    (s.orderBy || (s.source && d.orderBy === 'source')) && d.state === 'admitted' && d.orderRef === null
      ? `/orders/${d.attempt}`
      : null,
  envelope: (d, s) => (s.source && d.state === 'admitted' ? `/envelopes/${d.attempt}` : null),
  'key-transfer-info': (d, s, c) => (isTarget(d, s, c) && holdsForTarget(d) ? '/key-transfer-info' : null),
  collections: (d, s, c) =>
    isTarget(d, s, c) && holdsForTarget(d) && d.collections < MAX_COLLECTIONS ? '/collections' : null,
  receipt: (d, s, c) => (isTarget(d, s, c) && d.state === 'collected' ? `/receipts/${d.attempt}` : null),
  refusal: (d, s, c) =>
    ((s.source || s.orderBy) && mayRefuse(d.state, 'source')) || (isTarget(d, s, c) && mayRefuse(d.state, 'target'))
      ? '/refusal'
      : null,
  approvals: (d, s) => (s.approver && d.waitingFor.includes('approval') ? '/approvals' : null),
  cancellation: (d, s) =>
    (s.requester || s.owner || s.administrator) && !isTerminal(d.state) && d.state !== 'collected'
      ? '/cancellation'
      : null,
  retry: (d, s, c) => (mayAskAgain(c, d, s) && mayRetry(d) ? '/retry' : null),
}

function isTarget(delivery: DeliveryRow, as: Standing, caller: Caller): boolean {
  return as.target && caller.type === 'device' && caller.device.id === delivery.target
}

function holdsForTarget(delivery: DeliveryRow): boolean {
  return delivery.state === 'released' || delivery.state === 'collected'
}

/** Name -> absolute URI under our origin. */
export function linksFor(origin: string, caller: Caller, delivery: DeliveryRow): Record<string, string> {
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
