import { checkDeadline, type DeliveryId, EpochSecondsShape, mayRetry } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { refuseAgent } from '../registry/whose.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow, IdempotencyRow } from '../store/rows.ts'
import { afterOthers } from './conflict.ts'
import { decisionChanges } from './decide.ts'
import { findDelivery, noDelivery, stateError } from './find.ts'
import { NEW_ATTEMPT } from './new-attempt.ts'
import { endingOf, partiesOf } from './parties.ts'
import { mayAskAgain } from './standing.ts'
import { step } from './step.ts'
import { type DeliveryView, deliveryView } from './view.ts'
import { wakeChanges } from './wake.ts'

export interface Retry {
  deadline: number
}
export const RetryShape: z.ZodType<Retry> = z.strictObject({ deadline: EpochSecondsShape })

/**
 * Row 15 of PROTOCOL 5: a new attempt, with a new deadline.
 * @throws {KeyferryError} `not-found`, `access-denied`, `malformed`, `delivery-closed`, `state-conflict`
 */
export async function retry(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  body: Retry,
  remember?: (view: DeliveryView) => IdempotencyRow,
): Promise<DeliveryView> {
  return afterOthers(async () => {
    const { delivery, lapsed, as } = await findDelivery(context, caller, dl)
    const isOther = !mayAskAgain(caller, delivery, as)
    if (isOther && !as.requester) throw noDelivery()
    refuseAgent(caller)
    checkDeadline(body.deadline, context.clock.now())
    if (isOther || !mayRetry(delivery) || (await isEnded(context, delivery))) throw stateError(delivery)
    const again = step(context, delivery, 'retry', { ...NEW_ATTEMPT, deadline: body.deadline })
    const proof = context.proofs.fresh(delivery.source, context.clock.now())
    const decided = proof === null ? [] : await decisionChanges(context, again.delivery, proof)
    const view = deliveryView(context, caller, lastRow(decided) ?? again.delivery)
    const changes: Change[] = [...lapsed, ...again.changes, ...decided, ...(await wakeChanges(context, again.delivery))]
    if (remember !== undefined) changes.push({ kind: 'insert-idempotency', row: remember(view) })
    await context.commit(changes)
    return view
  })
}

/** It would be withdrawn at once (row 14). */
async function isEnded(context: ServerContext, delivery: DeliveryRow): Promise<boolean> {
  return (await endingOf(context, delivery, await partiesOf(context, delivery))) !== null
}

function lastRow(changes: readonly Change[]): DeliveryRow | undefined {
  return changes.findLast((change) => change.kind === 'replace-delivery')?.row
}
