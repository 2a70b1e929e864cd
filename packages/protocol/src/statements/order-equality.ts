import { reachesExposure } from '../json/shapes.ts'
import { equalJson } from './equal-json.ts'
import type { KeyTransferInfo } from './key-transfer-info.ts'
import type { OrderPayload } from './order.ts'
import type { TransportKeyInfo, TransportOption } from './transport-key-info.ts'

/** What an order is compared with, whether it comes from a KtI or from the server's own delivery. */
export interface DeliveryTerms
  extends Pick<
    TransportKeyInfo,
    | 'origin'
    | 'tr'
    | 'dl'
    | 'attempt'
    | 'key'
    | 'mechanism'
    | 'username'
    | 'container'
    | 'nonce'
    | 'redelivery'
    | 'directory'
    | 'minExposure'
    | 'deadline'
  > {
  readonly source: Pick<TransportKeyInfo['source'], 'device'>
  readonly target: Pick<TransportKeyInfo['target'], 'device' | 'user'>
}

/** Whether an order *equals* the KtI (PROTOCOL 7): the delivery's terms and one of the options. */
export function orderEqualsKti(order: OrderPayload, kti: TransportKeyInfo): boolean {
  return orderEqualsDelivery(order, kti) && orderTakesOption(order, kti.options)
}

/** All of that but the option (D3; the option is D4). */
export function orderEqualsDelivery(order: OrderPayload, terms: DeliveryTerms): boolean {
  return (
    order.origin === terms.origin &&
    order.tr === terms.tr &&
    order.dl === terms.dl &&
    order.attempt === terms.attempt &&
    equalJson(order.key, terms.key) &&
    order.mechanism === terms.mechanism &&
    order.container === terms.container &&
    order.username === terms.username &&
    order.nonce === terms.nonce &&
    order.redelivery === terms.redelivery &&
    order.directory === terms.directory &&
    order.src === terms.source.device &&
    order.dst === terms.target.device &&
    order.dstUser === terms.target.user &&
    reachesExposure(order.minExposure.source, terms.minExposure.source) &&
    reachesExposure(order.minExposure.target, terms.minExposure.target) &&
    order.exp <= terms.deadline
  )
}

/** Whether `alg`, `kid`, `secret`, `data` of an order are one option. */
export function orderTakesOption(order: OrderPayload, options: readonly TransportOption[]): boolean {
  return options.some(
    ({ alg, kid, secret, data }) =>
      order.alg === alg && order.kid === kid && order.secret === secret && order.data === data,
  )
}

/**
 * Whether a KTI equals an order (PROTOCOL 7): all that both say, `exp` not after the order's, its `nonce` if it has one. The ref
 * of the order, and times, are compared by the checks (D5, T5).
 */
export function orderEqualsKeyTransferInfo(order: OrderPayload, kti: KeyTransferInfo): boolean {
  return (
    order.origin === kti.origin &&
    order.tr === kti.tr &&
    order.dl === kti.dl &&
    order.attempt === kti.attempt &&
    order.src === kti.src &&
    order.dst === kti.dst &&
    order.dstUser === kti.dstUser &&
    order.mechanism === kti.mechanism &&
    order.alg === kti.alg &&
    order.kid === kti.kid &&
    order.secret === kti.secret &&
    order.data === kti.data &&
    order.directory === kti.directory &&
    equalJson(order.key, kti.key) &&
    order.container === kti.container &&
    order.username === kti.username &&
    kti.exp <= order.exp &&
    (order.nonce === undefined || order.nonce === kti.nonce)
  )
}
