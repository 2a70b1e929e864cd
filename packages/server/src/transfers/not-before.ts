import type { EpochSeconds } from '@keyferry/protocol'
import type { DeliveryRow } from '../store/rows.ts'

/** Whether a delivery may not begin yet (PROTOCOL 5, row 2): then no proof helps. */
export function isTooEarly({ state, notBefore }: Pick<DeliveryRow, 'state' | 'notBefore'>, now: EpochSeconds): boolean {
  return state === 'requested' && notBefore !== null && notBefore > now
}
