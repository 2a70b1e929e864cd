import {
  checkReceipt,
  type DeliveryId,
  KeyferryError,
  type ReceiptPayload,
  type Ref,
  readStatement,
  receiptStanding,
  receiptStatement,
  type Statement,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { leafChange, statementChange } from '../registry/statement-row.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { asCheckOf } from './check-error.ts'
import { afterOthers } from './conflict.ts'
import { type Found, findAsTarget, requireAttempt, stateError } from './find.ts'
import { isOwnCheckpoint } from './own-checkpoint.ts'
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
  return afterOthers(async () => {
    const found = await findAsTarget(context, caller, dl)
    const { delivery } = found
    requireAttempt(delivery, attempt)
    const due = receiptStanding(delivery)
    if (due === null) throw stateError(delivery)
    const receipt = await asCheckOf('receipt-invalid', async () => {
      const read = readStatement(receiptStatement, text)
      await checkFacts(context, delivery, read)
      return read
    })
    if (delivery.receiptRef === receipt.ref) return known(context, delivery, receipt.ref)
    if (delivery.receiptRef !== null) return keepSecond(context, delivery, receipt)
    return due === 'due' ? finish(context, delivery, receipt) : keepLate(context, found, receipt)
  })
}

async function finish(
  context: ServerContext,
  delivery: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): Promise<Acknowledged> {
  const { outcome, reason = null } = receipt.payload
  const event = outcome === 'installed' ? 'install' : 'reject'
  const finished = step(context, delivery, event, { receiptRef: receipt.ref, reason })
  // A `validFrom` that lay ahead at the deposit may have come since.
  const superseded = delivery.key.validFrom === undefined ? [] : await supersededChanges(context, finished.delivery)
  const changes = [...finished.changes, ...receiptChanges(context, delivery, receipt), ...superseded]
  return stored(context, receipt.ref, finished.delivery, changes)
}

/** Came after a terminal state that followed `collected`: the state stays, the receipt is evidence all the same. */
async function keepLate(
  context: ServerContext,
  { delivery, lapsed }: Found,
  receipt: Statement<ReceiptPayload>,
): Promise<Acknowledged> {
  const row = { ...delivery, receiptRef: receipt.ref, lateReceipt: true, version: delivery.version + 1 }
  const changes = [...lapsed, { kind: 'replace-delivery', row } as const, ...receiptChanges(context, delivery, receipt)]
  return stored(context, receipt.ref, row, changes)
}

async function stored(
  context: ServerContext,
  ref: Ref,
  delivery: DeliveryRow,
  changes: readonly Change[],
): Promise<Acknowledged> {
  const { leafIndexes } = await context.commit(changes)
  // Of these changes only the receipt is a leaf.
  return { ref, index: leafIndexes[0] as number, state: delivery.state, created: true }
}

/** Two different valid receipts of one attempt: kept for the auditor, and refused. */
async function keepSecond(
  context: ServerContext,
  delivery: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): Promise<never> {
  if ((await context.read.statement(receipt.ref)) === null) {
    await context.commit(receiptChanges(context, delivery, receipt))
  }
  throw new KeyferryError('state-conflict', 'another receipt is stored for this attempt', { state: delivery.state })
}

function receiptChanges(
  context: ServerContext,
  { targetUser, dl, attempt }: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): readonly Change[] {
  return [
    statementChange(receipt, { user: targetUser, subject: dl, seq: attempt }, context.clock.now()),
    leafChange(context.origin, { typ: 'kf-receipt+jwt', ref: receipt.ref, dstUser: targetUser, dl }),
  ]
}

async function known(context: ServerContext, delivery: DeliveryRow, ref: Ref): Promise<Acknowledged> {
  const index = await context.read.leafIndex(ref)
  return { ref, index: index ?? 0, state: delivery.state, created: false }
}

async function checkFacts(
  context: ServerContext,
  delivery: DeliveryRow,
  receipt: Statement<ReceiptPayload>,
): Promise<void> {
  const { tr, dl, attempt, key, orderRef: order, envelopeRef: envelope, target: dst } = delivery
  const device = await context.read.device(dst)
  if (device === null || order === null || envelope === null) throw stateError(delivery)
  const { jwk } = (await context.statements.device(device.statementRef)).payload
  const facts = { origin: context.origin, tr, dl, attempt, order, envelope, key, dst }
  await checkReceipt(receipt, facts, jwk)
  const { checkpoint } = receipt.payload
  if (checkpoint !== undefined && !(await isOwnCheckpoint(context, checkpoint))) {
    throw new KeyferryError('checkpoint-invalid', 'the checkpoint in the receipt is not of this log')
  }
}
