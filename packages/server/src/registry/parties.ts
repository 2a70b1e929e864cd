import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, TransferRow } from '../store/rows.ts'
import { isMereAsker, standing } from '../transfers/standing.ts'

/** How many of the caller's newest transfers are looked through: what is older is read with its delivery, by `evidence`. */
const NEWEST = 50

/**
 * Whether the caller is a party of a delivery of which `needs` holds (PROTOCOL 15, *Whose*): requester, who orders, source, target,
 * and the devices of their users, each as far as the delivery exists for him. Anybody may ask for a key whose id he knows: that
 * alone makes nobody a party before AC1 permits (PROTOCOL 5).
 */
export async function isPartyOf(
  context: Pick<ServerContext, 'read'>,
  caller: Caller,
  needs: (delivery: DeliveryRow) => boolean,
): Promise<boolean> {
  for (const transfer of await transfersOf(context, caller)) {
    const deliveries = await context.read.deliveriesOf(transfer.tr)
    if (deliveries.some((delivery) => needs(delivery) && isMoreThanAsker(caller, delivery))) return true
  }
  return false
}

function isMoreThanAsker(caller: Caller, delivery: DeliveryRow): boolean {
  const as = standing(caller, delivery)
  return as !== null && !isMereAsker(as, delivery)
}

async function transfersOf(context: Pick<ServerContext, 'read'>, caller: Caller): Promise<readonly TransferRow[]> {
  const user = userOf(caller)
  const parties = new Set<string>(user === null ? [] : [user])
  if (caller.type === 'device') parties.add(caller.device.id)
  if (caller.type === 'application') parties.add(caller.application.id)
  const found = await Promise.all([...parties].map((party) => context.read.transfersOf(party, NEWEST)))
  return found.flat()
}
