import {
  type DeliveryId,
  deviceSetStatement,
  deviceStatement,
  orderStatement,
  type Ref,
  receiptStatement,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { StatementRow } from '../store/rows.ts'
import { findDelivery } from './find.ts'
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
 * they are in the log (PROTOCOL 15).
 */
export async function evidence(context: ServerContext, caller: Caller, dl: DeliveryId): Promise<Evidence> {
  const { delivery } = await findDelivery(context, caller, dl)
  const users = [...new Set([delivery.owner, delivery.targetUser])]
  const rows = (
    await Promise.all(users.flatMap((user) => EVIDENCE_TYPES.map((typ) => context.read.statementsOf(user, typ))))
  ).flat()
  const about = rows.filter((row) => concerns(row, [delivery.source, delivery.target, delivery.dl]))
  const decisions = await context.read.decisions(dl)
  const put = about.filter((row) => row.typ !== orderStatement.typ || row.ref === delivery.orderRef)
  const logged = await loggedStatements(
    context,
    (
      await Promise.all(put.map(async (row) => ((await context.read.leafIndex(row.ref)) === null ? [] : [row.ref])))
    ).flat(),
    [...(delivery.envelopeRef === null ? [] : [delivery.envelopeRef]), ...decisions.map((row) => row.ref)],
    0,
  )
  return {
    delivery: deliveryView(context, caller, delivery),
    ...(delivery.envelopeRef === null ? {} : { envelope: delivery.envelopeRef }),
    decisions: decisions.map((row) => Buffer.from(row.octets).toString('base64url')),
    ...logged,
  }
}

const EVIDENCE_TYPES = [
  deviceSetStatement.typ,
  deviceStatement.typ,
  'kf-user+jwt',
  'kf-grant+jwt',
  orderStatement.typ,
  receiptStatement.typ,
]

/** Sets, certificates and grants of the users; statements of the two devices; order and receipts of this delivery. */
function concerns(row: StatementRow, subjects: readonly string[]): boolean {
  const ofDelivery = ([deviceStatement.typ, orderStatement.typ, receiptStatement.typ] as string[]).includes(row.typ)
  return !ofDelivery || subjects.includes(row.subject)
}
