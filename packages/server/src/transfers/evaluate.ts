import { decisionRecord } from '../access/decision-record.ts'
import { type Outcome, outcomeOf } from '../access/outcome.ts'
import type { Proof } from '../access/proof-windows.ts'
import type { ServerContext } from '../context.ts'
import { leafChange } from '../registry/statement-row.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { type Action, accessCallFor, STAGE } from './access-facts.ts'
import type { Parties } from './parties.ts'

/** What the engine said of one delivery. */
export interface Decision extends Outcome {
  /** Each approval has to bring a one-time code. */
  readonly approvalNeedsCode: boolean
  /** The record of it and its leaf (PROTOCOL 6, 11), for the unit of work of what the decision brings. */
  record(): Promise<readonly Change[]>
}

/** Asks the engine about one delivery; `null` if there was no decision: the state stays and the call is made again later. */
export async function evaluate(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  action: Action,
  proof: Proof | null,
): Promise<Decision | null> {
  const call = await accessCallFor(context, delivery, parties, action, proof)
  const ruling = await context.access.decide(call)
  if (ruling === null) return null
  const outcome = outcomeOf(call, ruling)
  const { dl, attempt } = delivery
  const at = context.clock.now()
  return {
    ...outcome,
    approvalNeedsCode: ruling.context?.approvals?.code === true,
    async record() {
      const { octets, ref } = decisionRecord({
        dl,
        attempt,
        stage: STAGE[action],
        decision: outcome.outcome,
        reason: outcome.reason,
        policy: ruling.policy,
        call,
        at,
      })
      // Who collects twice in one second makes the same call, and the same record: it is one, with one leaf.
      if (delivery.state === 'collected' && (await context.read.leafIndex(ref)) !== null) return []
      return [
        { kind: 'insert-decision', row: { ref, dl, attempt, octets, createdAt: at } },
        leafChange(context.origin, { typ: 'decision', ref, dl }),
      ]
    },
  }
}
