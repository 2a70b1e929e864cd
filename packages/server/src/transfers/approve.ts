import { type DeliveryId, KeyferryError, type UserId } from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { refuseAgent } from '../registry/whose.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { STAGE } from './access-facts.ts'
import { afterOthers } from './conflict.ts'
import { decisionChanges, waitChanges } from './decide.ts'
import { evaluate } from './evaluate.ts'
import { findDelivery, noDelivery, requireState, stateError } from './find.ts'
import { endingOf, type Parties, partiesOf, requireNotEnded } from './parties.ts'
import { step } from './step.ts'
import { type DeliveryView, deliveryView } from './view.ts'
import { provingParty } from './wake.ts'

/** Body of `POST /v1/deliveries/{dl}/approvals` (PROTOCOL 15). This version has no one-time codes. */
export interface Approval {
  stage: 'ac1' | 'ac2'
  decision: 'permit' | 'deny'
  reason?: string
}
export const ApprovalShape: z.ZodType<Approval> = z.strictObject({
  stage: z.enum(['ac1', 'ac2']),
  decision: z.enum(['permit', 'deny']),
  reason: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .exactOptional(),
})

/**
 * Somebody whose yes was asked for (row 3 of PROTOCOL 5) says yes or no: one word per user, attempt and stage. A no refuses at once
 * (row 4); the last yes decides at once if the party's proof is fresh, else the party is woken. The same word again changes nothing.
 * @throws {KeyferryError} `not-found`, `access-denied`, `code-required`, `state-conflict`, `delivery-closed`, `unavailable`
 */
export async function approve(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  body: Approval,
): Promise<DeliveryView> {
  return afterOthers(async () => {
    const { delivery, as } = await findDelivery(context, caller, dl)
    const by = userOf(caller)
    if (by === null || !as.approver) throw noDelivery()
    refuseAgent(caller)
    const said = delivery.approvals.find((entry) => entry.stage === body.stage && entry.by === by)
    if (said?.decision === body.decision) return deliveryView(context, caller, delivery)
    requireState(delivery, 'requested', 'deposited')
    if (said !== undefined || body.stage !== STAGE[actionOf(delivery)]) throw stateError(delivery)
    const parties = await partiesOf(context, delivery)
    await requireNotEnded(context, delivery, await endingOf(context, delivery, parties))
    await requireAsked(context, delivery, parties, by)
    const { stage, decision } = body
    const row: DeliveryRow = {
      ...delivery,
      approvals: [...delivery.approvals, { stage, by, decision, at: context.clock.now() }],
      version: delivery.version + 1,
    }
    const changes: Change[] = [
      { kind: 'replace-delivery', row },
      ...(decision === 'deny'
        ? await denialChanges(context, row, parties, body)
        : await permitChanges(context, row, parties)),
    ]
    await context.commit(changes)
    const last = changes.findLast((change) => change.kind === 'replace-delivery')
    return deliveryView(context, caller, last?.row ?? row)
  })
}

function actionOf(delivery: DeliveryRow): 'admit' | 'release' {
  return delivery.state === 'requested' ? 'admit' : 'release'
}

/** Policy may have changed since this user was asked. */
async function requireAsked(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  by: UserId,
): Promise<void> {
  const asked = await evaluate(context, delivery, parties, actionOf(delivery), freshProof(context, delivery))
  if (asked === null) throw new KeyferryError('unavailable', 'no access decision now', { retryAfter: 5 })
  if (!asked.approvers.includes(by)) throw stateError(delivery)
  if (asked.approvalNeedsCode) {
    throw new KeyferryError('code-required', 'a one-time code is asked for, and this server has none', { kind: 'totp' })
  }
}

async function denialChanges(
  context: ServerContext,
  row: DeliveryRow,
  parties: Parties,
  { stage, reason }: Approval,
): Promise<readonly Change[]> {
  const decision = await evaluate(context, row, parties, actionOf(row), freshProof(context, row))
  // Without a decision his no is kept: the next one finds it.
  if (decision?.outcome !== 'deny') return []
  return [
    ...step(context, row, 'refuse', { stage, reason: reason ?? 'approval-denied' }).changes,
    ...(await decision.record()),
  ]
}

async function permitChanges(context: ServerContext, row: DeliveryRow, parties: Parties): Promise<readonly Change[]> {
  const proof = freshProof(context, row)
  if (proof !== null) return decisionChanges(context, row, proof)
  const decision = await evaluate(context, row, parties, actionOf(row), null)
  if (decision === null || decision.waitingFor.includes('approval')) return []
  const word = row.state === 'requested' ? 'source-proof' : 'target-proof'
  const waitingFor = [...new Set([...decision.waitingFor, word] as const)]
  return waitChanges(context, row, { waitingFor, approvers: [], record: async () => [] })
}

function freshProof(context: ServerContext, delivery: DeliveryRow): ReturnType<ServerContext['proofs']['fresh']> {
  const party = provingParty(delivery)
  return party === null ? null : context.proofs.fresh(party, context.clock.now())
}
