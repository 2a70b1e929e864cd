import type { DeliveryId, DeviceId, UserId } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import { type WithdrawReason, withdrawChanges } from '../transfers/withdraw.ts'

/** What ends open deliveries (row 14 of PROTOCOL 5). `orderBy`: of the keys of this user, only those that wait for this grantee. */
export interface Ending {
  readonly what: { readonly device: DeviceId } | { readonly user: UserId; readonly orderBy?: string }
  readonly reason: WithdrawReason
}

/** Withdraws every open delivery that one of these ends. One that several end, its source and its target at once, ends by the first. */
export async function withdrawals(context: ServerContext, endings: readonly Ending[]): Promise<readonly Change[]> {
  const ended = new Set<DeliveryId>()
  const all: Change[] = []
  for (const { what, reason } of endings) {
    const meant = (await deliveriesOf(context, what)).difference(ended)
    if (meant.size === 0) continue
    const subject = 'user' in what ? { user: what.user } : what
    const changes = await withdrawChanges(context, subject, reason)
    all.push(...changes.filter((change) => meant.has(deliveryOf(change))))
    for (const dl of meant) ended.add(dl)
  }
  return all
}

async function deliveriesOf(context: ServerContext, what: Ending['what']): Promise<Set<DeliveryId>> {
  const orderBy = 'user' in what ? what.orderBy : undefined
  const open = await context.read.openDeliveries('user' in what ? { user: what.user } : what)
  const isMeant = (delivery: (typeof open)[number]): boolean =>
    orderBy === undefined || ('user' in what && delivery.owner === what.user && delivery.orderBy === orderBy)
  return new Set(open.filter(isMeant).map((delivery) => delivery.dl))
}

/** Which delivery a change of a withdrawal is about. */
function deliveryOf(change: Change): DeliveryId {
  switch (change.kind) {
    case 'replace-delivery':
      return change.row.dl
    case 'erase-envelopes':
      return change.dl
    case 'retire-notices':
      return change.delivery
    case 'insert-notice':
      if (change.row.delivery !== null) return change.row.delivery
      break
    default:
  }
  throw new TypeError(`a withdrawal is not made of ${change.kind}`)
}
