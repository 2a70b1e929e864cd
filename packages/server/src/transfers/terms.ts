import type { ContainerId, DeliveryTerms } from '@keyferry/protocol'
import type { DeliveryRow } from '../store/rows.ts'

/** What a delivery says to devices: part of the KtI, and what its order has to equal (PROTOCOL 7). */
export function termsOf(origin: string, delivery: DeliveryRow): DeliveryTerms {
  return {
    origin,
    tr: delivery.tr,
    dl: delivery.dl,
    attempt: delivery.attempt,
    deadline: delivery.deadline,
    key: delivery.key,
    ...(delivery.container === null ? {} : { container: delivery.container as ContainerId }),
    ...(delivery.username === null ? {} : { username: delivery.username }),
    source: { device: delivery.source },
    target: { device: delivery.target, user: delivery.targetUser },
    mechanism: delivery.mechanism,
    minExposure: delivery.minExposure,
    redelivery: delivery.redelivery,
    ...(delivery.nonce === null ? {} : { nonce: delivery.nonce }),
  }
}
