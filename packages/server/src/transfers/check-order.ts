import {
  type DeviceSetPayload,
  equalJson,
  type GrantPayload,
  grantCovers,
  inTime,
  KeyferryError,
  type NamedJwk,
  type OrderPayload,
  reachesExposure,
  type Statement,
  userStatement,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { isSignedBy } from '../signing/named-signer.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { liveGrantOf } from './grants.ts'
import { commonOptions } from './options.ts'
import type { Parties } from './transport-key-info.ts'

/**
 * D3 of PROTOCOL 9.2: the order is permitted by the owner's newest set or a live grant, in time, and equal to the delivery.
 * @throws {KeyferryError} `order-invalid`, `order-mismatch`, `order-expired`, `grant-exceeded`
 */
export async function checkOrder(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  order: Statement<OrderPayload>,
): Promise<void> {
  const ownerSet = (await context.statements.deviceSet(parties.sourceUser.setRef)).payload
  const key = await signerOf(context, delivery, parties, ownerSet, order)
  if (order.payload.iss !== order.kid || !(await isSignedBy(order, key))) {
    throw new KeyferryError('order-invalid', 'the order is not signed by who may order')
  }
  if (delivery.orderRef !== null && delivery.orderRef !== order.ref) {
    throw new KeyferryError('order-mismatch', 'another order was put for this attempt')
  }
  const time = inTime(order.payload, context.clock.now())
  if (time === 'early') throw new KeyferryError('order-invalid', 'the order is not valid yet')
  if (time === 'expired') throw new KeyferryError('order-expired', 'the order has expired')
  if (!orderEqualsDelivery(context.origin, delivery, order.payload)) {
    throw new KeyferryError('order-mismatch', 'the order says something else than the delivery')
  }
}

/** Who may order (PROTOCOL 2.4): the source itself, another device with role `order`, or the grantee of a grant that covers. */
async function signerOf(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  ownerSet: DeviceSetPayload,
  order: Statement<OrderPayload>,
): Promise<NamedJwk> {
  const { iss } = order.payload
  const source = ownerSet.devices.find((entry) => entry.id === delivery.source)
  if (source === undefined || !source.roles.includes('source')) {
    throw new KeyferryError('device-revoked', 'the source is not in its user’s set')
  }
  const expected = delivery.orderBy === 'source' ? delivery.source : delivery.orderBy
  if (iss !== expected) throw new KeyferryError('order-invalid', 'somebody else was asked to order')
  if (iss === delivery.source) return source.jwk
  const orderer = ownerSet.devices.find((entry) => entry.id === iss)
  if (orderer?.roles.includes('order') === true) return orderer.jwk
  return grantee(context, delivery, parties, order)
}

async function grantee(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  order: Statement<OrderPayload>,
): Promise<NamedJwk> {
  const grant = await liveGrantOf(
    context,
    { id: delivery.keyId, owner: delivery.owner, class: delivery.key.class },
    order.payload.iss,
  )
  if (grant === null || grant.ref !== order.payload.grant) {
    throw new KeyferryError('order-invalid', 'no live grant of the owner permits this')
  }
  if (!(await covers(context, grant, parties, order.payload))) {
    throw new KeyferryError('grant-exceeded', 'the grant does not cover this order')
  }
  return grant.payload.grantee
}

/** `perDay` is counted by each source, not here (PROTOCOL 2.3). */
async function covers(
  context: ServerContext,
  grant: Statement<GrantPayload>,
  parties: Parties,
  order: OrderPayload,
): Promise<boolean> {
  const rows = await context.read.statementsOf(parties.targetUser.id, userStatement.typ)
  const now = context.clock.now()
  const cas = new Set<string>()
  for (const row of rows) {
    const certified = await context.statements.read(userStatement, row.ref)
    if (now < certified.payload.exp) cas.add(certified.kid)
  }
  return grantCovers(grant.payload, order, { owner: parties.sourceUser.id, certifiedBy: cas })
}

function orderEqualsDelivery(origin: string, delivery: DeliveryRow, order: OrderPayload): boolean {
  return (
    order.origin === origin &&
    order.tr === delivery.tr &&
    order.dl === delivery.dl &&
    order.attempt === delivery.attempt &&
    equalJson(order.key, delivery.key) &&
    order.src === delivery.source &&
    order.dst === delivery.target &&
    order.dstUser === delivery.targetUser &&
    order.mechanism === delivery.mechanism &&
    order.container === (delivery.container ?? undefined) &&
    order.username === (delivery.username ?? undefined) &&
    order.nonce === (delivery.nonce ?? undefined) &&
    order.redelivery === delivery.redelivery &&
    reachesExposure(order.minExposure.source, delivery.minExposure.source) &&
    reachesExposure(order.minExposure.target, delivery.minExposure.target) &&
    order.exp <= delivery.deadline
  )
}

/**
 * D4: the suite and key of the order are among the current options; source and target are in their newest sets and not suspended.
 * @throws {KeyferryError} `device-revoked`, `device-suspended`, `alg-not-allowed`, `transport-key-unknown`
 */
export async function checkParties(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
  order: OrderPayload,
): Promise<void> {
  for (const device of [parties.source, parties.target]) {
    if (device.state !== 'active') throw new KeyferryError('device-revoked', 'a device of this delivery is revoked')
    if (device.suspended !== null) throw new KeyferryError('device-suspended', 'a device of this delivery is suspended')
  }
  const targetSet = (await context.statements.deviceSet(parties.targetUser.setRef)).payload
  if (targetSet.devices.every((entry) => entry.id !== delivery.target || !entry.roles.includes('target'))) {
    throw new KeyferryError('device-revoked', 'the target is not in its user’s set')
  }
  const [source, target] = await Promise.all([
    context.statements.device(parties.source.statementRef),
    context.statements.device(parties.target.statementRef),
  ])
  const options = commonOptions(source.payload, target.payload, {
    suites: context.suites,
    owner: delivery.owner,
    now: context.clock.now(),
  }).map(({ option }) => option)
  if (options.some((option) => option.alg === order.alg && option.kid === order.kid)) return
  if (options.every(({ alg }) => alg !== order.alg)) {
    throw new KeyferryError('alg-not-allowed', 'this suite is none that source and target have in common')
  }
  throw new KeyferryError('transport-key-unknown', 'this transport key is none of the target’s current ones')
}
