import {
  type asSigningJwk,
  checkReceipt,
  type DeliveryId,
  deviceStatement,
  fromUtf8,
  KeyferryError,
  namedThumbprint,
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
  if (facts.state === 'completed' || facts.state === 'failed') await keepReceipt(parts, dl, attempt)
  else if (parts.store.receipts.find(dl, attempt) !== null) parts.store.receipts.release(dl, attempt)
  parts.report({ kind: 'finished', dl, state: facts.state, reason: facts.reason ?? null })
}

async function keepReceipt(parts: AgentParts, dl: DeliveryId, attempt: number): Promise<void> {
  const { store } = parts
  const made = store.envelopes.find(dl, attempt)
  if (made === null) return
  const answer = await callOrGone(() =>
    parts.client.call({ method: 'GET', path: `/v1/deliveries/${dl}/receipts/${attempt}` }),
  )
  if (answer === null) return
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
    if (store.receipts.keep(dl, attempt, receipt.ref, receipt.text) === 'different') {
      store.alarms.raise({ reason: 'receipt-different', subject: dl, facts: { attempt }, at: parts.now() })
      parts.report({ kind: 'alarm', reason: 'receipt-different', subject: dl })
    }
  } catch (error) {
    // A receipt that does not verify is treated as absent: the wait for a good one goes on.
    if (!(error instanceof KeyferryError)) throw error
    parts.report({ kind: 'problem', dl, code: error.code, why: 'the receipt that the server shows is not valid' })
  }
}

/** The target's signing key, whose thumbprint is its id: whoever brings it, it can only be that one. */
async function targetKey(
  parts: AgentParts,
  device: string,
  statement: string,
): Promise<NonNullable<ReturnType<typeof asSigningJwk>>> {
  const answer = await parts.client.call({ method: 'GET', path: `/v1/statements/${statement}` })
  const { jwk } = readStatement(deviceStatement, fromUtf8(answer.content)).payload
  if (namedThumbprint(jwk) !== device) throw new KeyferryError('receipt-invalid', 'the target’s key is another one')
  return jwk
}
