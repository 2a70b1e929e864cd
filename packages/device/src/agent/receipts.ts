import {
  type asSigningJwk,
  CLOCK_SKEW_SECONDS,
  checkReceipt,
  type DeliveryId,
  deviceStatement,
  fromUtf8,
  isTerminal,
  KeyferryError,
  namedThumbprint,
  type ReceiptPayload,
  readEnvelope,
  readStatement,
  receiptStatement,
} from '@keyferry/protocol'
import { callOrGone } from './asking.ts'
import { type DeliveryFacts, DeliveryFactsShape } from './delivery-facts.ts'
import type { AgentParts } from './parts.ts'

/**
 * A delivery that this device asked for, ordered or served has ended. A state is the server's word: `completed` counts with a receipt
 * that the target signed for the very envelope made here (PROTOCOL 5, 9.3 end).
 */
export async function finishStep(parts: AgentParts, dl: DeliveryId): Promise<void> {
  const facts = await deliveryFacts(parts, dl)
  if (facts !== null) await finish(parts, dl, facts)
}

async function deliveryFacts({ client }: AgentParts, dl: DeliveryId): Promise<DeliveryFacts | null> {
  const view = await callOrGone(() => client.call({ method: 'GET', path: `/v1/deliveries/${dl}` }))
  return view?.json(DeliveryFactsShape) ?? null
}

async function finish(parts: AgentParts, dl: DeliveryId, { state, attempt, reason }: DeliveryFacts): Promise<void> {
  const outcome = OUTCOMES.get(state)
  if (outcome !== undefined) {
    const receipt = await keepReceipt(parts, dl, attempt)
    if (receipt?.kept === 'different') parts.report({ kind: 'alarm', reason: 'receipt-different', subject: dl })
    // Treated as absent: the wait for a good one goes on.
    if (receipt?.outcome !== outcome && parts.store.envelopes.find(dl, attempt) !== null) {
      const why = `the server says ${state}, and shows no such receipt that the target signed`
      parts.report({ kind: 'problem', dl, code: 'receipt-invalid', why })
      return
    }
  } else if (!isTerminal(state)) return
  else if (parts.store.receipts.find(dl, attempt) !== null) parts.store.receipts.release(dl, attempt)
  parts.report({ kind: 'finished', dl, state, reason: reason ?? null })
}

const OVERDUE_AT_ONCE = 50

/**
 * Alarms the human of each delivery whose receipt has not come in time (PROTOCOL 5), once. The server is asked first: there may be one, or the
 * delivery has ended otherwise, of which its human hears.
 */
export async function alarmOverdue(parts: AgentParts): Promise<void> {
  const { store, now } = parts
  // Two clocks may differ so much, each from the server's.
  const overdue = store.receipts.overdue(now() - 2 * CLOCK_SKEW_SECONDS)
  for (const { dl, attempt } of overdue.slice(0, OVERDUE_AT_ONCE)) {
    const facts = await deliveryFacts(parts, dl)
    if (facts !== null && facts.attempt === attempt) await finish(parts, dl, facts)
    const waiting = store.receipts.find(dl, attempt)
    if (waiting === null || waiting.text !== null || waiting.dueAt === null) continue
    store.receipts.release(dl, attempt)
    // An attempt that was followed by another one ended without a receipt, as its human knows who asked for that.
    if (facts !== null && facts.attempt > attempt) continue
    store.alarms.raise({
      reason: 'receipt-overdue',
      subject: dl,
      facts: { attempt, state: facts?.state ?? 'unknown' },
      at: now(),
    })
    parts.report({ kind: 'alarm', reason: 'receipt-overdue', subject: dl })
  }
}

/** States that a receipt brings, and what it then says. */
const OUTCOMES: ReadonlyMap<string, ReceiptPayload['outcome']> = new Map([
  ['completed', 'installed'],
  ['failed', 'rejected'],
])

export interface KeptReceipt {
  readonly outcome: ReceiptPayload['outcome']
  /** `different`: another valid one was kept before, and an alarm is open. */
  readonly kept: 'first' | 'same' | 'different'
}

/**
 * Fetches the receipt of a delivery whose envelope was made here, and keeps it if the target signed it for that envelope.
 * @returns null if there is no such receipt
 */
export async function keepReceipt(
  parts: Pick<AgentParts, 'store' | 'client' | 'now'>,
  dl: DeliveryId,
  attempt: number,
): Promise<KeptReceipt | null> {
  const { store, client } = parts
  const made = store.envelopes.find(dl, attempt)
  if (made === null) return null
  const answer = await callOrGone(() =>
    client.call({ method: 'GET', path: `/v1/deliveries/${dl}/receipts/${attempt}` }),
  )
  if (answer === null) return null
  try {
    const receipt = readStatement(receiptStatement, fromUtf8(answer.content))
    const { order, kti } = readEnvelope(made.octets)
    const jwk = await targetKey(parts, kti.dst, kti.dstStatement)
    await checkReceipt(
      receipt,
      {
        origin: kti.origin,
        tr: kti.tr,
        dl,
        attempt,
        envelope: made.ref,
        order: order.ref,
        key: { id: kti.key.id, generation: kti.key.generation },
        dst: kti.dst,
      },
      jwk,
    )
    const kept = store.receipts.keep(dl, attempt, receipt.ref, receipt.text)
    if (kept === 'different') {
      store.alarms.raise({ reason: 'receipt-different', subject: dl, facts: { attempt }, at: parts.now() })
    }
    return { outcome: receipt.payload.outcome, kept }
  } catch (error) {
    if (error instanceof KeyferryError) return null
    throw error
  }
}

/** The target's signing key, whose thumbprint is its id: whoever brings it, it can only be that one. */
async function targetKey(
  parts: Pick<AgentParts, 'client'>,
  device: string,
  statement: string,
): Promise<NonNullable<ReturnType<typeof asSigningJwk>>> {
  const answer = await parts.client.call({ method: 'GET', path: `/v1/statements/${statement}` })
  const { jwk } = readStatement(deviceStatement, fromUtf8(answer.content)).payload
  if (namedThumbprint(jwk) !== device) throw new KeyferryError('receipt-invalid', 'the target’s key is another one')
  return jwk
}
