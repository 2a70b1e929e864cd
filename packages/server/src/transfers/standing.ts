import { type Caller, isAdministrator, userOf } from '../access/caller.ts'
import type { DeliveryRow, Requester } from '../store/rows.ts'

/** How a caller stands to a delivery. Several may hold at once. */
export interface Standing {
  readonly requester: boolean
  readonly owner: boolean
  readonly source: boolean
  readonly target: boolean
  readonly orderBy: boolean
  /** Whose yes was asked for in this attempt. */
  readonly approver: boolean
  readonly administrator: boolean
}

/**
 * Who may see a delivery (PROTOCOL 15, *Whose*; 6: nothing is told to source or target before proof and permit; 5: the requester sees
 * no device that he did not name before AC1 permits). `null`: it does not exist for this caller.
 */
export function standing(caller: Caller, delivery: DeliveryRow): Standing | null {
  const user = userOf(caller)
  const device = caller.type === 'device' ? caller.device.id : null
  const admitted = delivery.admittedAt !== null
  const view: Standing = {
    requester: asked(caller, delivery.requester) && (delivery.named || admitted),
    owner: user === delivery.owner,
    source: device === delivery.source && admitted,
    target: (device === delivery.target || user === delivery.targetUser) && delivery.releasedAt !== null,
    orderBy: selfOf(caller) !== null && selfOf(caller) === delivery.orderBy && admitted,
    approver: user !== null && delivery.approvers.some((approver) => approver.user === user),
    administrator: isAdministrator(caller),
  }
  return Object.values(view).some(Boolean) ? view : null
}

/** Whether the caller has asked and nothing more, and AC1 has not permitted it yet: he learns what he named himself, no more (PROTOCOL 5). */
export function isMereAsker(as: Standing, { admittedAt }: DeliveryRow): boolean {
  return admittedAt === null && !as.owner && !as.approver && !as.administrator
}

/** Whether the caller may see the transfer at all: who asked, and whoever sees one of its deliveries. */
export function seesTransfer(caller: Caller, requester: Requester, deliveries: readonly DeliveryRow[]): boolean {
  if (asked(caller, requester) || isAdministrator(caller)) return true
  return deliveries.some((delivery) => standing(caller, delivery) !== null)
}

/** The requester himself, or a device of his user. */
function asked(caller: Caller, requester: Requester): boolean {
  const user = userOf(caller)
  return selfOf(caller) === requester.id || (user !== null && user === requester.user)
}

function selfOf(caller: Caller): string | null {
  if (caller.type === 'application') return caller.application.id
  return caller.type === 'device' ? caller.device.id : null
}

/** Who acts, for good: a person rather than one of his devices. */
export function nameOf(caller: Caller): string {
  switch (caller.type) {
    case 'device':
      return caller.device.user
    case 'user':
      return caller.user
    case 'application':
      return caller.application.id
    case 'newcomer':
      return caller.keyid
    case 'operator':
      return 'operator'
  }
}

/** Row 15 of PROTOCOL 5: the requester tries again; what was cancelled, who cancelled. */
export function mayAskAgain(caller: Caller, delivery: DeliveryRow, as: Standing): boolean {
  return delivery.state === 'cancelled' ? delivery.cancelledBy === nameOf(caller) : as.requester
}
