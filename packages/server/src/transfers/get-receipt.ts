import { type DeliveryId, KeyferryError, type Ref, receiptStatement } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { findDelivery } from './find.ts'

/**
 * `GET /v1/deliveries/{dl}/receipts/{attempt}`: the compact JWS as it was put, of this attempt or an earlier one. Of two that the target
 * signed, the one that was first: the other is part of the evidence (PROTOCOL 5).
 * @throws {KeyferryError} `not-found`, also where the delivery is none of the caller's
 */
export async function getReceipt(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  attempt: number,
): Promise<string> {
  const { delivery } = await findDelivery(context, caller, dl)
  const ref = attempt === delivery.attempt ? delivery.receiptRef : await firstOf(context, delivery, attempt)
  const receipt = ref === null ? null : await context.read.statement(ref)
  if (receipt === null) throw new KeyferryError('not-found', 'no receipt of this attempt')
  return receipt.text
}

/** A retry leaves the row with nothing of the attempt before; its receipt stays in the log. */
async function firstOf(context: ServerContext, { dl, targetUser }: DeliveryRow, attempt: number): Promise<Ref | null> {
  const rows = await context.read.statementsOf(targetUser, receiptStatement.typ)
  const own = rows.filter(({ subject, seq }) => subject === dl && seq === attempt)
  const logged = await Promise.all(own.map(async ({ ref }) => ({ ref, index: await context.read.leafIndex(ref) })))
  const [first] = logged.toSorted((a, b) => (a.index ?? Infinity) - (b.index ?? Infinity))
  return first?.ref ?? null
}
