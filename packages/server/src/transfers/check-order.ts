import {
  checkGrant,
  checkOrder as checkPermission,
  type DeviceSetPayload,
  type GrantPayload,
  grantStatement,
  inTime,
  KeyferryError,
  type OrderPayload,
  orderEqualsDelivery,
  type PermissionFacts,
  type Ref,
  type Statement,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { certificatesOf } from './certificates.ts'
import type { Parties } from './parties.ts'
import { termsOf } from './terms.ts'

/**
 * D3 of PROTOCOL 9.2: the order is by whom the requester named, permitted by the owner's newest set or a live grant, in time, equal to
 * the delivery, and the one that was put, if one was.
 * @throws {KeyferryError} `order-invalid`, `order-mismatch`, `order-expired`, `grant-exceeded`
 */
export async function checkOrder(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  order: Statement<OrderPayload>,
): Promise<void> {
  const expected = delivery.orderBy === 'source' ? delivery.source : delivery.orderBy
  if (order.payload.iss !== expected) throw new KeyferryError('order-invalid', 'somebody else was asked to order')
  await checkPermission(order, await permissionFacts(context, parties, order.payload))
  const time = inTime(order.payload, context.clock.now())
  if (time === 'early') throw new KeyferryError('order-invalid', 'the order is not valid yet')
  if (time === 'expired') throw new KeyferryError('order-expired', 'the order has expired')
  if (!orderEqualsDelivery(order.payload, termsOf(context.origin, delivery))) {
    throw new KeyferryError('order-mismatch', 'the order says something else than the delivery')
  }
  if (delivery.orderRef !== null && delivery.orderRef !== order.ref) {
    throw new KeyferryError('order-mismatch', 'another order was put for this attempt')
  }
}

async function permissionFacts(
  context: ServerContext,
  { sourceUser, targetUser }: Parties,
  order: OrderPayload,
): Promise<PermissionFacts> {
  const ownerSet = (await context.statements.deviceSet(sourceUser.setRef)).payload
  const at = context.clock.now()
  if (order.grant === undefined) return { ownerSet, at }
  const [grant, certificates] = await Promise.all([
    grantOf(context, order.grant, ownerSet),
    certificatesOf(context, targetUser.id),
  ])
  return {
    ownerSet,
    at,
    certifiedBy: new Set(certificates.map(({ kid }) => kid)),
    ...(grant === null ? {} : { grant }),
  }
}

/** The grant of this ref, or null if the owner has none: a rotation of the root ended those of earlier roots. */
async function grantOf(
  context: ServerContext,
  ref: Ref,
  ownerSet: DeviceSetPayload,
): Promise<Statement<GrantPayload> | null> {
  const row = await context.read.statement(ref)
  if (row?.typ !== grantStatement.typ || row.user !== ownerSet.user) return null
  const grant = await context.statements.read(grantStatement, ref)
  try {
    await checkGrant(grant, ownerSet)
    return grant
  } catch (error) {
    if (error instanceof KeyferryError) return null
    throw error
  }
}
