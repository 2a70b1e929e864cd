import {
  type DeliveryId,
  type EpochSeconds,
  type Exposure,
  type KeyTransferInfo,
  type OrderPayload,
  orderStatement,
  type Ref,
  reachesExposure,
  readEnvelope,
  type Statement,
  signEnvelope,
  signStatement,
  type TransportKeyInfo,
  toBase64url,
  utf8,
} from '@keyferry/protocol'
import type { SecureDevice } from '../keystores/secure-device.ts'
import type { CheckedSource } from '../trust/source-checks.ts'

export interface WrapQuestion {
  readonly kti: TransportKeyInfo
  readonly checked: CheckedSource
  readonly device: SecureDevice
  readonly now: EpochSeconds
  readonly random: (count: number) => Uint8Array
}

export interface WrappedForTarget {
  readonly dl: DeliveryId
  readonly attempt: number
  readonly order: Statement<OrderPayload>
  readonly ref: Ref
  /** To be kept durably before they are sent: every repeat sends these (S13). */
  readonly octets: Uint8Array
}

/** How long an order lives unless the deadline is nearer (PROTOCOL 5: default 7 days). */
const ORDER_LIFE_SECONDS = 7 * 24 * 3600

/** S13: makes the order if no other party did, has the device wrap the key for the chosen transport key, signs the envelope. */
export async function wrapForTarget(question: WrapQuestion): Promise<WrappedForTarget> {
  const { kti, checked, device } = question
  const order = checked.order ?? (await signStatement(orderStatement, device.signer, orderPayload(question)))
  const binding = utf8(JSON.stringify(keyTransferInfo(question, order)))
  const wrapped = await device.wrapKey({
    key: kti.key.id,
    generation: kti.key.generation,
    alg: checked.key.alg,
    recipient: checked.key.recipient,
    kid: checked.key.kid,
    binding,
  })
  const octets = await signEnvelope(device.signer, { order: order.text, binding, wrapped })
  return { dl: kti.dl, attempt: kti.attempt, order, ref: readEnvelope(octets).ref, octets }
}

/** An order of the source itself demands the higher of what the KtI and the own record demand (S10). */
function orderPayload({ kti, checked, device, now }: WrapQuestion): OrderPayload {
  const { record, key } = checked
  return {
    v: 1,
    iss: device.signer.id,
    origin: kti.origin,
    tr: kti.tr,
    dl: kti.dl,
    attempt: kti.attempt,
    key: kti.key,
    src: kti.source.device,
    dst: kti.target.device,
    dstUser: kti.target.user,
    mechanism: kti.mechanism,
    alg: key.alg,
    kid: key.kid,
    ...contextMembers(kti),
    minExposure: {
      source: higherExposure(kti.minExposure.source, record.minExposure.source),
      target: higherExposure(kti.minExposure.target, record.minExposure.target),
    },
    redelivery: kti.redelivery,
    ...(kti.nonce === undefined ? {} : { nonce: kti.nonce }),
    iat: now,
    exp: Math.min(now + ORDER_LIFE_SECONDS, kti.deadline),
  }
}

function keyTransferInfo(question: WrapQuestion, order: Statement<OrderPayload>): KeyTransferInfo {
  const { kti, checked, now, random } = question
  const { size, root } = checked.learned.checkpoint
  return {
    v: 1,
    origin: kti.origin,
    order: order.ref,
    tr: kti.tr,
    dl: kti.dl,
    attempt: kti.attempt,
    src: kti.source.device,
    dst: kti.target.device,
    dstUser: kti.target.user,
    mechanism: kti.mechanism,
    alg: checked.key.alg,
    kid: checked.key.kid,
    key: order.payload.key,
    ...contextMembers(kti),
    exposure: checked.key.exposure.source,
    srcSet: kti.source.set,
    dstSet: kti.target.set,
    dstStatement: kti.target.statement,
    checkpoint: { size, root },
    iat: now,
    exp: order.payload.exp,
    nonce: order.payload.nonce ?? toBase64url(random(16)),
  }
}

function contextMembers(kti: TransportKeyInfo): Pick<KeyTransferInfo, 'container' | 'username'> {
  return {
    ...(kti.container === undefined ? {} : { container: kti.container }),
    ...(kti.username === undefined ? {} : { username: kti.username }),
  }
}

function higherExposure(a: Exposure, b: Exposure): Exposure {
  return reachesExposure(a, b) ? a : b
}
