import {
  type DeliveryId,
  deviceSetStatement,
  deviceStatement,
  grantStatement,
  orderStatement,
  type Ref,
  receiptStatement,
  toBase64url,
  userStatement,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, StatementRow } from '../store/rows.ts'
import { findDelivery } from './find.ts'
import { isMereAsker } from './standing.ts'
import { type LoggedStatements, loggedStatements } from './statements-for.ts'
import { type DeliveryView, deliveryView } from './view.ts'

export interface Evidence extends LoggedStatements {
  readonly delivery: DeliveryView
  /** Ref of the envelope; its octets are erased once the delivery is over. */
  readonly envelope?: Ref
  /** b64u octets of each decision record. */
  readonly decisions: string[]
}

/**
 * Everything an auditor needs to judge a delivery without trusting this server: statements, decision records, and what proves that
 * they are in the log (PROTOCOL 15). Of all attempts; an order that was put and never deposited is in no log.
 */
export async function evidence(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Evidence> {
  const { delivery, as } = await findDelivery(context, caller, dl)
  // Who has only asked knows no device but those that he named, and gets no statement of the owner's by asking.
  const people = isMereAsker(as, delivery) ? [] : await aboutPeople(context, delivery)
  const statements = [...people, ...(await aboutDelivery(context, delivery))]
  const decisions = await context.read.decisions(dl)
  const refs = await loggedOf(
    context,
    statements.map(({ ref }) => ref),
  )
  const more = [...(delivery.envelopeRef === null ? [] : [delivery.envelopeRef]), ...decisions.map(({ ref }) => ref)]
  return {
    delivery: deliveryView(context, caller, delivery),
    ...(delivery.envelopeRef === null ? {} : { envelope: delivery.envelopeRef }),
    decisions: decisions.map(({ octets }) => toBase64url(octets)),
    ...(await loggedStatements(context, refs, more, 0)),
  }
}

/** Sets and certificates of the users, statements of the two devices. */
async function aboutPeople(context: ServerContext, delivery: DeliveryRow): Promise<readonly StatementRow[]> {
  const users = [...new Set([delivery.owner, delivery.targetUser])]
  const types = [deviceSetStatement.typ, userStatement.typ, deviceStatement.typ]
  const rows = await Promise.all(users.flatMap((user) => types.map((typ) => context.read.statementsOf(user, typ))))
  const devices: readonly string[] = [delivery.source, delivery.target]
  return rows.flat().filter(({ typ, subject }) => typ !== deviceStatement.typ || devices.includes(subject))
}

/** Orders and receipts, and the grants that the orders name: of the owner's other grants nobody learns. */
async function aboutDelivery(context: ServerContext, delivery: DeliveryRow): Promise<readonly StatementRow[]> {
  const [orders, receipts] = await Promise.all([
    context.read.statementsOf(delivery.owner, orderStatement.typ),
    context.read.statementsOf(delivery.targetUser, receiptStatement.typ),
  ])
  const own = [...orders, ...receipts].filter(({ subject }) => subject === delivery.dl)
  const granted = await Promise.all(
    own
      .filter(({ typ }) => typ === orderStatement.typ)
      .map(async ({ ref }) => (await context.statements.read(orderStatement, ref)).payload.grant),
  )
  const grants = await Promise.all(granted.map((ref) => (ref === undefined ? null : context.read.statement(ref))))
  return [...own, ...grants.filter((row) => row?.typ === grantStatement.typ)].filter((row) => row !== null)
}

async function loggedOf(context: ServerContext, refs: readonly Ref[]): Promise<readonly Ref[]> {
  const indexes = await Promise.all(refs.map((ref) => context.read.leafIndex(ref)))
  return refs.filter((_, i) => indexes[i] !== null)
}
