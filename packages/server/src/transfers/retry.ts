import { type DeliveryId, EpochSecondsShape, KeyferryError } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { IdempotencyRow } from '../store/rows.ts'
import { nameOf } from './cancel.ts'
import { decisionChanges, wakeChanges } from './decide.ts'
import { findDelivery, stateError } from './find.ts'
import { step } from './step.ts'
import { type DeliveryView, deliveryView, mayRetry } from './view.ts'

const MAX_AHEAD_SECONDS = 90 * 24 * 3600

export interface Retry {
  deadline: number
}
export const RetryShape: z.ZodType<Retry> = z.strictObject({ deadline: EpochSecondsShape })

/**
 * Row 15 of PROTOCOL 5: a new attempt, with a new deadline; what belonged to the old attempt is left behind as evidence.
 * @throws {KeyferryError} `not-found`, `malformed`, `delivery-closed`, `state-conflict`
 */
export async function retry(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  body: Retry,
  remember?: (view: DeliveryView) => IdempotencyRow,
): Promise<DeliveryView> {
  const now = context.clock.now()
  const { delivery, as } = await findDelivery(context, caller, dl)
  if (!as.requester) throw new KeyferryError('not-found', 'no such delivery')
  if (body.deadline <= now || body.deadline > now + MAX_AHEAD_SECONDS) {
    throw new KeyferryError('malformed', 'the deadline is past or more than 90 days ahead')
  }
  const byOther = delivery.state === 'cancelled' && delivery.cancelledBy !== nameOf(caller)
  const installedLate = delivery.lateReceipt
  if (!mayRetry(delivery) || byOther || installedLate) throw stateError(delivery)
  const again = step(context, delivery, 'retry', {
    attempt: delivery.attempt + 1,
    deadline: body.deadline,
    stage: null,
    reason: null,
    collections: 0,
    admittedAt: null,
    releasedAt: null,
    approvals: [],
    orderRef: null,
    envelopeRef: null,
    envelopeDigest: null,
    receiptRef: null,
    lateReceipt: false,
    cancelledBy: null,
  })
  const proof = context.proofs.fresh(delivery.source, now)
  const decided = proof === null ? [] : await decisionChanges(context, again.delivery, proof)
  const view = deliveryView(context, caller, lastRow(decided) ?? again.delivery)
  const changes: Change[] = [...again.changes, ...decided, ...(await wakeChanges(context, again.delivery))]
  if (remember !== undefined) changes.push({ kind: 'insert-idempotency', row: remember(view) })
  await context.commit(changes)
  return view
}

function lastRow(changes: readonly Change[]): Extract<Change, { kind: 'replace-delivery' }>['row'] | undefined {
  return changes.findLast((change) => change.kind === 'replace-delivery')?.row
}
