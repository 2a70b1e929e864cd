import * as z from 'zod'
import type { DeviceId, KeyId, Thumbprint, UserId } from '../ids/ids.ts'
import {
  AlgShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Ext,
  ExtShape,
  KeyIdShape,
  type MinExposure,
  MinExposureShape,
  OriginShape,
  ThumbprintShape,
} from '../json/shapes.ts'
import { type NamedJwk, NamedSigningJwkShape } from './named-jwk.ts'
import { type KeyClass, KeyClassShape } from './order-key.ts'
import type { StatementType } from './statement.ts'

/** To whom a grantee may order keys. */
export interface GrantTo {
  own: boolean
  users: UserId[]
  /** CA ids: whoever has a `kf-user` of one of them. */
  cas: Thumbprint[]
}

/** `kf-grant+jwt`: the owner lets an application order transfers (PROTOCOL 2.3). */
export interface GrantPayload {
  v: 1
  origin: string
  /** The owner. */
  user: UserId
  grantee: NamedJwk
  keys: KeyId[]
  classes: KeyClass[]
  sources?: DeviceId[]
  to: GrantTo
  algs: string[]
  minExposure: MinExposure
  /** Deliveries per UTC day; each source counts for itself. */
  perDay: number
  iat: EpochSeconds
  exp: EpochSeconds
  ext?: Ext
}

export const GrantPayloadShape: z.ZodType<GrantPayload> = z.strictObject({
  v: z.literal(1),
  origin: OriginShape,
  user: ThumbprintShape,
  grantee: NamedSigningJwkShape,
  keys: z.array(KeyIdShape),
  classes: z.array(KeyClassShape),
  sources: z.array(ThumbprintShape).exactOptional(),
  to: z.strictObject({ own: z.boolean(), users: z.array(ThumbprintShape), cas: z.array(ThumbprintShape) }),
  algs: z.array(AlgShape),
  minExposure: MinExposureShape,
  perDay: z.int().min(0),
  iat: EpochSecondsShape,
  exp: EpochSecondsShape,
  ext: ExtShape.exactOptional(),
})

export const grantStatement: StatementType<GrantPayload, 'kf-grant+jwt'> = {
  typ: 'kf-grant+jwt',
  shape: GrantPayloadShape,
  code: 'statement-invalid',
}
