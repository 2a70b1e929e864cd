import {
  type asSigningJwk,
  checkReceipt,
  type DeliveryId,
  deviceStatement,
  fromUtf8,
  KeyferryError,
  namedThumbprint,
  type ReceiptPayload,
  readEnvelope,
  readStatement,
  receiptStatement,
} from '@keyferry/protocol'
import type { AgentParts } from './parts.ts'
import { callOrGone } from './source-step.ts'

interface DeliveryFacts {
  readonly attempt: number
  readonly state: string
  readonly reason?: string
  readonly target: string
}

/**
 * A delivery that this device asked for, ordered or served has ended. A state is the server's word: `completed` counts with a receipt
 * that the target signed for the very envelope made here (PROTOCOL 5, 9.3 end).
 */
export async function finishStep(parts: AgentParts, dl: DeliveryId): Promise<void> {
  const view = await callOrGone(() => parts.client.call({ method: 'GET', path: `/v1/deliveries/${dl}` }))
  if (view === null) return
  const facts = view.json<DeliveryFacts>()
  const { attempt } = facts
  const outcome = OUTCOMES.get(facts.state)
  if (outcome !== undefined) {
    const receipt = await keepReceipt(parts, dl, attempt)
    if (receipt?.kept === 'different') parts.report({ kind: 'alarm', reason: 'receipt-different', subject: dl })
    // Treated as absent: the wait for a good one goes on.
    if (receipt?.outcome !== outcome && parts.store.envelopes.find(dl, attempt) !== null) {
      const why = `the server says ${facts.state}, and shows no such receipt that the target signed`
      parts.report({ kind: 'problem', dl, code: 'receipt-invalid', why })
      return
    }
  } else if (parts.store.receipts.find(dl, attempt) !== null) parts.store.receipts.release(dl, attempt)
  parts.report({ kind: 'finished', dl, state: facts.state, reason: facts.reason ?? null })
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
