import type { DeliveryRow } from '../store/rows.ts'

type OfOneAttempt =
  | 'reason'
  | 'admittedAt'
  | 'releasedAt'
  | 'approvals'
  | 'approvers'
  | 'orderRef'
  | 'envelopeRef'
  | 'envelopeDigest'
  | 'receiptRef'
  | 'lateReceipt'
  | 'cancelledBy'

/** What belongs to one attempt, as it begins. What was signed in an earlier one stays as evidence. */
export const NEW_ATTEMPT: Pick<DeliveryRow, OfOneAttempt> = {
  reason: null,
  admittedAt: null,
  releasedAt: null,
  approvals: [],
  approvers: [],
  orderRef: null,
  envelopeRef: null,
  envelopeDigest: null,
  receiptRef: null,
  lateReceipt: false,
  cancelledBy: null,
}
