import { type DeviceRole, deviceIn, KeyferryError } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, DeviceRow, UserRow } from '../store/rows.ts'
import { grantsOf } from './grants.ts'
import { step } from './step.ts'
import { isSuperseded } from './superseded.ts'
import type { WithdrawReason } from './withdraw.ts'

export interface Parties {
  readonly source: DeviceRow
  readonly target: DeviceRow
  readonly sourceUser: UserRow
  readonly targetUser: UserRow
}

/** The rows that a delivery names, as they are now. */
export async function partiesOf(context: Pick<ServerContext, 'read'>, delivery: DeliveryRow): Promise<Parties> {
  const [source, target, sourceUser, targetUser] = await Promise.all([
    context.read.device(delivery.source),
    context.read.device(delivery.target),
    context.read.user(delivery.owner),
    context.read.user(delivery.targetUser),
  ])
  if (source === null || target === null || sourceUser === null || targetUser === null) {
    throw new KeyferryError('unavailable', 'a party of the delivery is gone', { retryAfter: 60 })
  }
  return { source, target, sourceUser, targetUser }
}

/** Whether source and target are in their users' newest sets, and not suspended (D4 of PROTOCOL 9.2); null: they are. */
export async function deviceFault(
  context: Pick<ServerContext, 'statements'>,
  { source, target, sourceUser, targetUser }: Parties,
): Promise<'device-revoked' | 'device-suspended' | null> {
  const lists = async (user: UserRow, device: DeviceRow, role: DeviceRole): Promise<boolean> => {
    const entry = deviceIn((await context.statements.deviceSet(user.setRef)).payload, device.id)
    return device.state === 'active' && entry !== null && entry !== 'revoked' && entry.roles.includes(role)
  }
  const listed = (await lists(sourceUser, source, 'source')) && (await lists(targetUser, target, 'target'))
  if (!listed) return 'device-revoked'
  return source.suspended === null && target.suspended === null ? null : 'device-suspended'
}

/**
 * Row 14 of PROTOCOL 5 for what came into being while its device, key or grant went, and so was not found by their ending. Asked
 * wherever a delivery goes on: AC1, KtI, order, deposit, AC2, T2, collection.
 */
export async function endingOf(
  context: ServerContext,
  delivery: DeliveryRow,
  parties: Parties,
): Promise<WithdrawReason | null> {
  return (await deviceFault(context, parties)) ?? (await otherEndingOf(context, delivery, parties))
}

/** All of that but devices, for where D4 says what is wrong with them. */
export async function otherEndingOf(
  context: ServerContext,
  delivery: DeliveryRow,
  { sourceUser }: Parties,
): Promise<WithdrawReason | null> {
  const key = await context.read.key(delivery.keyId)
  if (key === null || key.withdrawn) return 'key-withdrawn'
  if (await lacksGrant(context, delivery, sourceUser)) return 'grant-revoked'
  return (await isSuperseded(context, delivery)) ? 'superseded' : null
}

/** Whether a grantee was to order, and no grant of his counts any more; one that has merely expired is for D3. */
async function lacksGrant(context: ServerContext, delivery: DeliveryRow, owner: UserRow): Promise<boolean> {
  const { orderBy, keyId: id } = delivery
  if (orderBy === 'source') return false
  if ((await context.read.device(orderBy))?.user === owner.id) return false
  return (await grantsOf(context, { id, owner: owner.id, class: delivery.key.class }, orderBy)).length === 0
}

/**
 * Withdraws a delivery that has no ground any more.
 * @throws {KeyferryError} `delivery-closed` if it was so.
 */
export async function requireNotEnded(
  context: ServerContext,
  delivery: DeliveryRow,
  ending: WithdrawReason | null,
): Promise<void> {
  if (ending === null) return
  await context.commit(step(context, delivery, 'withdraw', { reason: ending }).changes)
  throw new KeyferryError('delivery-closed', 'the delivery is withdrawn', { state: 'withdrawn', reason: ending })
}
