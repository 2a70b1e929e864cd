import { isOverdue, isTerminal } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { type Step, step } from './step.ts'

/**
 * Row 13 of PROTOCOL 5: what a delivery is at this moment. Past its deadline it has expired, whether or not the sweeper has come by;
 * `changes` is then what to write before anything else.
 */
export function lapse(context: Pick<ServerContext, 'clock' | 'random'>, delivery: DeliveryRow): Step {
  if (isTerminal(delivery.state) || !isOverdue(delivery, context.clock.now())) return { delivery, changes: [] }
  return step(context, delivery, 'expire', { reason: 'deadline', changedAt: delivery.deadline })
}
