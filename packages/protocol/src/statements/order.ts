import * as z from 'zod'
import type { DeliveryId, DeviceId, Ref, Thumbprint, TransferId, UserId } from '../ids/ids.ts'
import {
  AlgShape,
  b64uShape,
  CountShape,
  DeliveryIdShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Ext,
  ExtShape,
  MechanismShape,
  type MinExposure,
  MinExposureShape,
  OriginShape,
  ThumbprintShape,
  TransferIdShape,
} from '../json/shapes.ts'
import {
  type ClassMembers,
  classShapes,
  hasClassMembers,
  hasMechanismMembers,
  type MechanismMembers,
  mechanismShapes,
} from './delivery-members.ts'
import { OrderKeyShape } from './order-key.ts'
import type { StatementType } from './statement.ts'

/** `kf-order+jwt`: the owner's permission for one attempt of one delivery (PROTOCOL 2.4). */
export interface OrderPayload extends MechanismMembers, ClassMembers {
  v: 1
  /** Id of the signer, = `kid` of the header. */
  iss: Thumbprint
  origin: string
  tr: TransferId
  dl: DeliveryId
  attempt: number
  src: DeviceId
  dst: DeviceId
  dstUser: UserId
  alg: string
  /** ref of the grant, when a grantee signs. */
  grant?: Ref
  minExposure: MinExposure
  redelivery: boolean
  /** 16 octets b64u; REQUIRED if the target gave one at E1. */
  nonce?: string
  iat: EpochSeconds
  exp: EpochSeconds
  ext?: Ext
}

export const OrderPayloadShape: z.ZodType<OrderPayload> = z
  .strictObject({
    v: z.literal(1),
    iss: ThumbprintShape,
    origin: OriginShape,
    tr: TransferIdShape,
    dl: DeliveryIdShape,
    attempt: CountShape,
    key: OrderKeyShape,
    src: ThumbprintShape,
    dst: ThumbprintShape,
    dstUser: ThumbprintShape,
    mechanism: MechanismShape,
    alg: AlgShape,
    ...mechanismShapes,
    ...classShapes,
    grant: ThumbprintShape.exactOptional(),
    minExposure: MinExposureShape,
    redelivery: z.boolean(),
    nonce: b64uShape(16).exactOptional(),
    iat: EpochSecondsShape,
    exp: EpochSecondsShape,
    ext: ExtShape.exactOptional(),
  })
  .refine((order) => hasMechanismMembers(order) && hasClassMembers(order))

export const orderStatement: StatementType<OrderPayload, 'kf-order+jwt'> = {
  typ: 'kf-order+jwt',
  shape: OrderPayloadShape,
  code: 'order-invalid',
}
