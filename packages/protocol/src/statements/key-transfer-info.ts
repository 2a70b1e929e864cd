import * as z from 'zod'
import type { DeliveryId, DeviceId, Ref, TransferId, UserId } from '../ids/ids.ts'
import {
  AlgShape,
  b64uShape,
  CountShape,
  DeliveryIdShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Exposure,
  ExposureShape,
  type Ext,
  ExtShape,
  MechanismShape,
  OriginShape,
  readStrictly,
  ThumbprintShape,
  TransferIdShape,
} from '../json/shapes.ts'
import { type CheckpointMark, CheckpointMarkShape } from './checkpoint-mark.ts'
import {
  type ClassMembers,
  classShapes,
  hasClassMembers,
  hasMechanismMembers,
  type MechanismMembers,
  mechanismShapes,
} from './delivery-members.ts'
import { type Evidence, evidenceShapes } from './evidence.ts'
import { OrderKeyShape } from './order-key.ts'

/**
 * The KTI (PROTOCOL 7), written by the source. Its octets as written are the binding B: authenticated inside the envelope,
 * used as AAD, hashed into P and Kt. Keep the octets; never write it anew.
 */
export interface KeyTransferInfo extends MechanismMembers, ClassMembers {
  v: 1
  origin: string
  /** ref of the order. */
  order: Ref
  tr: TransferId
  dl: DeliveryId
  attempt: number
  src: DeviceId
  dst: DeviceId
  dstUser: UserId
  alg: string
  /** What the source really did. */
  exposure: Exposure
  /** What the source relied on, evidence for later; so are `dstSet`, `dstStatement`, `checkpoint`. */
  srcSet: Ref
  dstSet: Ref
  dstStatement: Ref
  checkpoint: CheckpointMark
  iat: EpochSeconds
  exp: EpochSeconds
  /** That of the order if it has one, else 16 fresh octets. */
  nonce: string
  ext?: Ext
}

export const KeyTransferInfoShape: z.ZodType<KeyTransferInfo> = z
  .strictObject({
    v: z.literal(1),
    origin: OriginShape,
    order: ThumbprintShape,
    tr: TransferIdShape,
    dl: DeliveryIdShape,
    attempt: CountShape,
    src: ThumbprintShape,
    dst: ThumbprintShape,
    dstUser: ThumbprintShape,
    mechanism: MechanismShape,
    alg: AlgShape,
    ...mechanismShapes,
    key: OrderKeyShape,
    ...classShapes,
    exposure: ExposureShape,
    srcSet: ThumbprintShape,
    dstSet: ThumbprintShape,
    dstStatement: ThumbprintShape,
    checkpoint: CheckpointMarkShape,
    iat: EpochSecondsShape,
    exp: EpochSecondsShape,
    nonce: b64uShape(16),
    ext: ExtShape.exactOptional(),
  })
  .refine((info) => hasMechanismMembers(info) && hasClassMembers(info))

/** @throws {KeyferryError} `binding-mismatch` */
export function readKeyTransferInfo(octets: Uint8Array): KeyTransferInfo {
  return readStrictly(KeyTransferInfoShape, octets, 'binding-mismatch')
}

/** The T2 answer (PROTOCOL 7): `GET /v1/deliveries/{dl}/key-transfer-info`. */
export interface KeyTransferAnswer extends Evidence {
  v: 1
  /** b64u of B. */
  binding: string
  /** ref of the envelope. */
  envelope: Ref
  ext?: Ext
}

export const KeyTransferAnswerShape: z.ZodType<KeyTransferAnswer> = z.strictObject({
  v: z.literal(1),
  binding: b64uShape(),
  envelope: ThumbprintShape,
  ...evidenceShapes,
  ext: ExtShape.exactOptional(),
})

/** @throws {KeyferryError} `envelope-malformed` */
export function readKeyTransferAnswer(octets: Uint8Array): KeyTransferAnswer {
  return readStrictly(KeyTransferAnswerShape, octets, 'envelope-malformed')
}
