import {
  type DeliveryId,
  equalJson,
  isTerminal,
  KeyferryError,
  type ReceiptPayload,
  type Ref,
  readStatement,
  receiptStatement,
  type Statement,
  toBase64url,
  verifyStatement,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { asCheckOf } from './check-error.ts'
import { findAsTarget, stateError } from './find.ts'
import { deliverySubject, leafFor } from './leaves.ts'
import { step } from './step.ts'
import { supersededChanges } from './superseded.ts'

export interface Acknowledged {
  readonly ref: Ref
  readonly index: number
  readonly state: DeliveryRow['state']
  readonly created: boolean
}

/**
 * E10: the target's signed answer. Wrapped key and its random key are erased in the same unit of work (row 11 of PROTOCOL 5).
 * @throws {KeyferryError} `not-found`, `receipt-invalid` with `check`, `state-conflict`, `delivery-closed`
 */
export async function acknowledge(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
  attempt: number,
  text: string,
): Promise<Acknowledged> {
  const delivery = await findAsTarget(context, caller, dl)
  const receipt = await asCheckOf('receipt-invalid', async () => {
    const read = readStatement(receiptStatement, text)
    await checkReceipt(context, delivery, attempt, read)
    return read
  })
  if (delivery.receiptRef === receipt.ref) return view(context, delivery, receipt.ref, false)
  if (delivery.receiptRef !== null) return keepSecond(context, delivery, receipt)
  if (delivery.state === 'collected') return finish(context, delivery, receipt)
  if (isTerminal(delivery.state) && delivery.collections > 0) return keepLate(context, delivery, receipt)
  throw stateError(delivery)
}

async function finish(
  context: ServerContext,
  delivery: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): Promise<Acknowledged> {
  const installed = receipt.payload.outcome === 'installed'
  const finished = step(context, delivery, installed ? 'install' : 'reject', {
    receiptRef: receipt.ref,
    ...(installed ? {} : { reason: receipt.payload.reason ?? 'rejected', stage: 'target' as const }),
  })
  // A `validFrom` that lay ahead at the deposit may have come since.
  const superseded = delivery.key.validFrom === undefined ? [] : await supersededChanges(context, finished.delivery)
  const { leafIndexes } = await context.commit([
    ...finished.changes,
    ...receiptChanges(context, delivery, receipt),
    ...superseded,
  ])
  return { ref: receipt.ref, index: leafIndexes[0] as number, state: finished.delivery.state, created: true }
}

/** Came after a terminal state that followed `collected`: the state stays, the receipt is evidence all the same. */
async function keepLate(
  context: ServerContext,
  delivery: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): Promise<Acknowledged> {
  const row = { ...delivery, receiptRef: receipt.ref, lateReceipt: true, version: delivery.version + 1 }
  const { leafIndexes } = await context.commit([
    { kind: 'replace-delivery', row },
    ...receiptChanges(context, delivery, receipt),
  ])
  return { ref: receipt.ref, index: leafIndexes[0] as number, state: delivery.state, created: true }
}

/** Two different valid receipts of one attempt: kept for the auditor, and refused. */
async function keepSecond(
  context: ServerContext,
  delivery: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): Promise<never> {
  if ((await context.read.statement(receipt.ref)) === null)
    await context.commit(receiptChanges(context, delivery, receipt))
  throw new KeyferryError('state-conflict', 'another receipt is stored for this attempt', { state: delivery.state })
}

function receiptChanges(
  context: ServerContext,
  delivery: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): readonly Change[] {
  return [
    {
      kind: 'put-statement',
      row: {
        ref: receipt.ref,
        typ: receiptStatement.typ,
        user: delivery.targetUser,
        subject: delivery.dl,
        seq: delivery.attempt,
        text: receipt.text,
        createdAt: context.clock.now(),
      },
    },
    leafFor(context.origin, receiptStatement.typ, receipt.ref, deliverySubject(delivery.targetUser, delivery.dl)),
  ]
}

async function view(context: ServerContext, delivery: DeliveryRow, ref: Ref, created: boolean): Promise<Acknowledged> {
  return { ref, index: (await context.read.leafIndex(ref)) ?? 0, state: delivery.state, created }
}

/** Reasons that come from an envelope the target could not read: order and key may be left out then (PROTOCOL 2). */
const UNREADABLE: ReadonlySet<string> = new Set(['envelope-malformed', 'binding-mismatch'])

async function checkReceipt(
  context: ServerContext,
  delivery: DeliveryRow,
  attempt: number,
  receipt: Statement<ReceiptPayload>,
): Promise<void> {
  const { payload } = receipt
  const target = await context.read.device(delivery.target)
  const jwk = target === null ? null : (await context.statements.device(target.statementRef)).payload.jwk
  if (jwk === null || receipt.kid !== delivery.target || !(await verifyStatement(receipt, jwk))) {
    throw new KeyferryError('signature-invalid', 'the receipt is not signed by the target')
  }
  const mayLeaveOut = payload.outcome === 'rejected' && UNREADABLE.has(payload.reason ?? '')
  const fits =
    payload.origin === context.origin &&
    payload.tr === delivery.tr &&
    payload.dl === delivery.dl &&
    payload.attempt === attempt &&
    payload.attempt === delivery.attempt &&
    payload.envelope === delivery.envelopeRef &&
    (payload.order === undefined ? mayLeaveOut : payload.order === delivery.orderRef) &&
    (payload.key === undefined
      ? mayLeaveOut
      : equalJson(payload.key, { id: delivery.key.id, generation: delivery.key.generation }))
  if (!fits) throw new KeyferryError('binding-mismatch', 'the receipt is about something else')
  if (payload.checkpoint !== undefined && !(await isOwn(context, payload.checkpoint))) {
    throw new KeyferryError('checkpoint-invalid', 'the checkpoint in the receipt is not of this log')
  }
}

async function isOwn(context: ServerContext, checkpoint: { size: number; root: string }): Promise<boolean> {
  return checkpoint.size <= context.log.size && toBase64url(await context.log.root(checkpoint.size)) === checkpoint.root
}
