import {
  b64uShape,
  type DeviceId,
  EpochSecondsShape,
  idShape,
  type KeyId,
  KeyIdShape,
  type Mechanism,
  MechanismShape,
  type MinExposure,
  MinExposureShape,
  type Thumbprint,
  ThumbprintShape,
  type UserId,
} from '@keyferry/protocol'
import * as z from 'zod'

/** Body of E1 (PROTOCOL 5). */
export interface TransferRequest {
  key: KeyId
  generation: number
  source?: DeviceId
  targets: ({ device: DeviceId } | { user: UserId } | { group: string })[]
  orderBy?: 'source' | Thumbprint
  mechanism?: Mechanism
  minExposure?: MinExposure
  redelivery?: boolean
  nonce?: string
  purpose?: string
  notBefore?: number
  deadline: number
}
export const TransferRequestShape: z.ZodType<TransferRequest> = z.strictObject({
  key: KeyIdShape,
  generation: z.int().min(1),
  source: ThumbprintShape.exactOptional(),
  targets: z
    .array(
      z.union([
        z.strictObject({ device: ThumbprintShape }),
        z.strictObject({ user: ThumbprintShape }),
        z.strictObject({ group: idShape('gr') }),
      ]),
    )
    .min(1),
  orderBy: z.union([z.literal('source'), ThumbprintShape]).exactOptional(),
  mechanism: MechanismShape.exactOptional(),
  minExposure: MinExposureShape.exactOptional(),
  redelivery: z.boolean().exactOptional(),
  nonce: b64uShape(16).exactOptional(),
  purpose: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .exactOptional(),
  notBefore: EpochSecondsShape.exactOptional(),
  deadline: EpochSecondsShape,
})
