import { KeyferryError } from '../errors.ts'
import type { DeviceId, Ref } from '../ids/ids.ts'
import { type NamedJwk, namedThumbprint } from './named-jwk.ts'
import type { OrderKey } from './order-key.ts'
import type { ReceiptPayload } from './receipt.ts'
import { type Statement, verifyStatement } from './statement.ts'

/** What a receipt must be about: the delivery, its order and its envelope. */
export interface ReceiptFacts extends Pick<ReceiptPayload, 'origin' | 'tr' | 'dl' | 'attempt' | 'envelope'> {
  readonly order: Ref
  readonly key: Pick<OrderKey, 'id' | 'generation'>
}

/**
 * Whether a receipt answers this envelope (PROTOCOL 5, 9.3 end). `order` and `key` count where they stand; its shape says when
 * they may be left out. `checkpoint` is for whoever knows the log.
 */
export function receiptMatches(receipt: ReceiptPayload, facts: ReceiptFacts): boolean {
  const { order, key } = receipt
  return (
    receipt.origin === facts.origin &&
    receipt.tr === facts.tr &&
    receipt.dl === facts.dl &&
    receipt.attempt === facts.attempt &&
    receipt.envelope === facts.envelope &&
    (order === undefined || order === facts.order) &&
    (key === undefined || (key.id === facts.key.id && key.generation === facts.key.generation))
  )
}

/**
 * A receipt is by the target and about this envelope.
 * @param jwk - The target's signing key, from its user's set.
 * @throws {KeyferryError} `receipt-invalid`, with `check`: `signature-invalid` or `binding-mismatch`.
 */
export async function checkReceipt(
  receipt: Statement<ReceiptPayload>,
  facts: ReceiptFacts & { readonly dst: DeviceId },
  jwk: NamedJwk,
): Promise<void> {
  const byTarget = receipt.kid === facts.dst && namedThumbprint(jwk) === facts.dst
  if (!byTarget || !(await verifyStatement(receipt, jwk))) {
    throw new KeyferryError('receipt-invalid', 'it is not signed by the target', { check: 'signature-invalid' })
  }
  if (!receiptMatches(receipt.payload, facts)) {
    throw new KeyferryError('receipt-invalid', 'it is about something else', { check: 'binding-mismatch' })
  }
}
