import type { DeviceId, KeyId, UserId } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import { lapse } from './lapse.ts'
import { step } from './step.ts'

/** Why row 14 of PROTOCOL 5 withdraws. */
export type WithdrawReason =
  | 'device-revoked'
  | 'device-suspended'
  | 'grant-revoked'
  | 'key-withdrawn'
  | 'user-revoked'
  | 'superseded'

/**
 * Row 14: every open delivery of this device, user or key is withdrawn; what is past its deadline expires instead. Put the changes
 * into the unit of work that brings the revocation, so that the two are seen together.
 */
export async function withdrawChanges(
  context: ServerContext,
  what: { device?: DeviceId; user?: UserId; key?: KeyId },
  reason: WithdrawReason,
): Promise<readonly Change[]> {
  const open = await context.read.openDeliveries(what)
  return open.flatMap((stored) => {
    const { delivery, changes } = lapse(context, stored)
    return delivery === stored ? step(context, stored, 'withdraw', { reason }).changes : changes
  })
}
