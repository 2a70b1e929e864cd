import { type DeviceId, MAX_DEADLINE_SECONDS } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { noticeRow } from '../notices/make-notice.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow } from '../store/rows.ts'

/** The device whose proof the state of a delivery asks for, or null. */
export function provingParty(delivery: DeliveryRow): DeviceId | null {
  if (delivery.state === 'requested') return delivery.source
  return delivery.state === 'deposited' ? delivery.target : null
}

/** `wake` for the party whose proof is missing (rows 1 and 7 of PROTOCOL 5). */
export async function wakeChanges(context: ServerContext, delivery: DeliveryRow): Promise<readonly Change[]> {
  const party = provingParty(delivery)
  if (party === null || context.proofs.fresh(party, context.clock.now()) !== null) return []
  return wake(context, party)
}

/**
 * One per recipient and proof window, however many deliveries wait. It says nothing, not even which delivery waits or until when:
 * nothing about a delivery is told before its proof (PROTOCOL 6).
 */
export async function wake(context: ServerContext, recipient: DeviceId): Promise<readonly Change[]> {
  const now = context.clock.now()
  if (await context.read.hasWake(recipient, now - context.proofs.windowSeconds)) return []
  const random = context.random.octets(16)
  return [
    {
      kind: 'insert-notice',
      row: noticeRow({ random, type: 'wake', recipient, now, expiresAt: now + MAX_DEADLINE_SECONDS }),
    },
  ]
}
