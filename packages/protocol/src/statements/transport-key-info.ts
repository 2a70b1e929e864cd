import * as z from 'zod'
import type { DeliveryId, DeviceId, Ref, SharedSecretId, Thumbprint, TransferId, UserId } from '../ids/ids.ts'
import {
  AlgShape,
  b64uShape,
  CountShape,
  DeliveryIdShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Ext,
  ExtShape,
  idShape,
  type Mechanism,
  MechanismShape,
  type MinExposure,
  MinExposureShape,
  OriginShape,
  readStrictly,
  TextShape,
  ThumbprintShape,
  TransferIdShape,
  UserNameShape,
} from '../json/shapes.ts'
import { type ClassMembers, classShapes, DerivationDataShape, hasClassMembers } from './delivery-members.ts'
import { type Evidence, evidenceShapes } from './evidence.ts'
import { OrderKeyShape } from './order-key.ts'

/** One way to protect the key, which source and target have in common (PROTOCOL 7): a proposal of the server. */
export interface TransportOption {
  alg: string
  /** (a), (d). */
  kid?: Thumbprint
  /** (b), (c). */
  secret?: SharedSecretId
  /** (c). */
  data?: string
}

/** The KtI (S1/S2, PROTOCOL 7): `GET /v1/deliveries/{dl}/transport-key-info`. `key`, `container`, `username` are hints. */
export interface TransportKeyInfo extends ClassMembers, Evidence {
  v: 1
  origin: string
  tr: TransferId
  dl: DeliveryId
  attempt: number
  deadline: EpochSeconds
  source: { device: DeviceId; set: Ref; statement: Ref }
  target: { device: DeviceId; user: UserId; username?: string; set: Ref; statement: Ref }
  mechanism: Mechanism
  /** Best first. */
  options: TransportOption[]
  /** (d): the name of the directory. */
  directory?: string
  minExposure: MinExposure
  redelivery: boolean
  nonce?: string
  /** Compact JWS, if one was put. */
  order?: string
  /** Most octets that an envelope may have. */
  maxBytes: number
  ext?: Ext
}

const TransportOptionShape: z.ZodType<TransportOption> = z.strictObject({
  alg: AlgShape,
  kid: ThumbprintShape.exactOptional(),
  secret: idShape('ss').exactOptional(),
  data: DerivationDataShape.exactOptional(),
})

export const TransportKeyInfoShape: z.ZodType<TransportKeyInfo> = z
  .strictObject({
    v: z.literal(1),
    origin: OriginShape,
    tr: TransferIdShape,
    dl: DeliveryIdShape,
    attempt: CountShape,
    deadline: EpochSecondsShape,
    key: OrderKeyShape,
    ...classShapes,
    source: z.strictObject({ device: ThumbprintShape, set: ThumbprintShape, statement: ThumbprintShape }),
    target: z.strictObject({
      device: ThumbprintShape,
      user: ThumbprintShape,
      username: UserNameShape.exactOptional(),
      set: ThumbprintShape,
      statement: ThumbprintShape,
    }),
    mechanism: MechanismShape,
    options: z.array(TransportOptionShape),
    directory: TextShape.exactOptional(),
    minExposure: MinExposureShape,
    redelivery: z.boolean(),
    nonce: b64uShape(16).exactOptional(),
    order: z.string().exactOptional(),
    maxBytes: CountShape,
    ...evidenceShapes,
    ext: ExtShape.exactOptional(),
  })
  .refine((info) => hasClassMembers(info) && hasOptionMembers(info))

function hasOptionMembers(info: TransportKeyInfo): boolean {
  const { mechanism, options, directory } = info
  const byKey = mechanism === 'public-key' || mechanism === 'directory'
  return (
    (directory !== undefined) === (mechanism === 'directory') &&
    options.every(
      ({ kid, secret, data }) =>
        (kid !== undefined) === byKey &&
        (secret !== undefined) === !byKey &&
        (data !== undefined) === (mechanism === 'derived-key'),
    )
  )
}

/** @throws {KeyferryError} `kti-invalid` */
export function readTransportKeyInfo(octets: Uint8Array): TransportKeyInfo {
  return readStrictly(TransportKeyInfoShape, octets, 'kti-invalid')
}
