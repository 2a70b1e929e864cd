import { type DeliveryId, type DeliveryState, KeyferryError, type TransferId } from '@keyferry/protocol'
import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { findDelivery } from './find.ts'
import { lapse } from './lapse.ts'
import { isTooEarly } from './not-before.ts'
import { seesTransfer, standing } from './standing.ts'
import { type DeliveryView, deliveryView, type TransferView, transferView } from './view.ts'

export interface Page<T> {
  items: T[]
  next?: string
}

/** A view and what tells one state of it from another: the ETag's text. */
export interface Versioned<T> {
  readonly view: T
  readonly version: string
}

export async function getDelivery(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
): Promise<Versioned<DeliveryView>> {
  const { delivery } = await findDelivery(context, caller, dl)
  return { view: deliveryView(context, caller, delivery), version: versionOf(context, [delivery]) }
}

/** Deliveries of the calling device in one role, newest first; only those that it may see (PROTOCOL 6). */
export async function listDeliveries(
  context: ServerContext,
  caller: Caller,
  query: { role: 'source' | 'target'; states?: readonly DeliveryState[]; limit: number; cursor?: DeliveryId },
): Promise<Page<DeliveryView>> {
  if (caller.type !== 'device') return { items: [] }
  const rows = await context.read.deliveries({
    party: caller.device.id,
    role: query.role,
    limit: query.limit,
    ...(query.states === undefined ? {} : { states: query.states }),
    ...(query.cursor === undefined ? {} : { after: query.cursor }),
  })
  const items = rows
    .map((row) => lapse(context, row).delivery)
    .filter((row) => standing(caller, row)?.[query.role] === true && (query.states?.includes(row.state) ?? true))
    .map((row) => deliveryView(context, caller, row))
  return page(items, rows, query.limit, (row) => row.dl)
}

export async function getTransfer(
  context: ServerContext,
  caller: Caller,
  tr: TransferId,
): Promise<Versioned<TransferView>> {
  const transfer = await context.read.transfer(tr)
  const deliveries = transfer === null ? [] : await deliveriesOf(context, tr)
  if (transfer === null || !seesTransfer(caller, transfer.requester, deliveries)) {
    throw new KeyferryError('not-found', 'no such transfer')
  }
  return { view: transferView(context, caller, transfer, deliveries), version: versionOf(context, deliveries) }
}

/** Transfers that the caller's user or device asked for or takes part in, newest first. */
export async function listTransfers(
  context: ServerContext,
  caller: Caller,
  query: { limit: number; cursor?: TransferId },
): Promise<Page<TransferView>> {
  const party = userOf(caller) ?? (caller.type === 'application' ? caller.application.id : null)
  if (party === null) return { items: [] }
  const rows = await context.read.transfersOf(party, query.limit, query.cursor)
  const views = await Promise.all(
    rows.map(async (row) => {
      const deliveries = await deliveriesOf(context, row.tr)
      return seesTransfer(caller, row.requester, deliveries) ? [transferView(context, caller, row, deliveries)] : []
    }),
  )
  return page(views.flat(), rows, query.limit, (row) => row.tr)
}

async function deliveriesOf(context: ServerContext, tr: TransferId): Promise<readonly DeliveryRow[]> {
  return (await context.read.deliveriesOf(tr)).map((row) => lapse(context, row).delivery)
}

function page<T, R>(items: T[], rows: readonly R[], limit: number, cursorOf: (row: R) => string): Page<T> {
  const last = rows.at(-1)
  return rows.length < limit || last === undefined ? { items } : { items, next: cursorOf(last) }
}

/** What is shown changes with the rows, and when a `notBefore` comes. */
function versionOf({ clock }: Pick<ServerContext, 'clock'>, deliveries: readonly DeliveryRow[]): string {
  const early = deliveries.filter((delivery) => isTooEarly(delivery, clock.now())).length
  const versions = deliveries.reduce((sum, delivery) => sum + delivery.version, 0)
  return early === 0 ? String(versions) : `${versions}-${early}`
}

/** Decision records of a delivery (PROTOCOL 6), oldest first, as they were logged. */
export async function listDecisions(
  context: ServerContext,
  caller: Caller,
  dl: DeliveryId,
): Promise<{ items: unknown[] }> {
  const { delivery } = await findDelivery(context, caller, dl)
  const rows = await context.read.decisions(delivery.dl)
  return { items: rows.map((row) => JSON.parse(new TextDecoder().decode(row.octets))) }
}
