import * as z from 'zod'
import type { DeviceId, Ref, Thumbprint, UserId } from '../ids/ids.ts'
import type { PublicSigningJwk } from '../jose/jwk.ts'
import {
  CountShape,
  type DeviceKind,
  DeviceKindShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Ext,
  ExtShape,
  OriginShape,
  SigningJwkShape,
  ThumbprintShape,
} from '../json/shapes.ts'
import { type NamedJwk, NamedSigningJwkShape } from './named-jwk.ts'
import type { StatementType } from './statement.ts'

export type DeviceRole = 'source' | 'target' | 'order'

export interface SetDevice {
  /** Thumbprint of `jwk`. */
  id: DeviceId
  jwk: NamedJwk
  /** As the human confirmed it. */
  kind: DeviceKind
  roles: DeviceRole[]
  /** The lowest statement `seq` of the device that still counts. */
  seq?: number
}

export interface Revocation {
  /** A device id, or the ref of a grant. */
  id: Thumbprint
  /** For the record: presence refuses at once, also what was signed before. */
  at: EpochSeconds
}

/** What the devices of this user, and nobody else, trust from this set on (PROTOCOL 2.2). */
export interface Trust {
  /** Ids of organisation CAs. */
  cas: Thumbprint[]
  /** vkeys of C2SP signed notes. */
  witnesses: string[]
  quorum: number
  /** vkey of the log. */
  log: string
}

/** `kf-device-set+jwt`: the devices of a user, signed by the current root (PROTOCOL 2.2). */
export interface DeviceSetPayload {
  v: 1
  origin: string
  user: UserId
  root: PublicSigningJwk
  seq: number
  /** ref of the set with `seq` - 1; absent iff `seq` is 1. */
  prev?: Ref
  iat: EpochSeconds
  exp: EpochSeconds
  devices: SetDevice[]
  revoked: Revocation[]
  trust?: Trust
  /** The new root: makes this a hand-over set, which nobody takes as a user's set. */
  next?: PublicSigningJwk
  /** All hand-over sets of this user, compact JWS, oldest first. */
  handovers?: string[]
  ext?: Ext
}

const SetDeviceShape: z.ZodType<SetDevice> = z.strictObject({
  id: ThumbprintShape,
  jwk: NamedSigningJwkShape,
  kind: DeviceKindShape,
  roles: z.array(z.enum(['source', 'target', 'order'])),
  seq: CountShape.exactOptional(),
})
const RevocationShape: z.ZodType<Revocation> = z.strictObject({ id: ThumbprintShape, at: EpochSecondsShape })
const TrustShape: z.ZodType<Trust> = z.strictObject({
  cas: z.array(ThumbprintShape),
  witnesses: z.array(z.string()),
  quorum: z.int().min(0),
  log: z.string(),
})

export const DeviceSetPayloadShape: z.ZodType<DeviceSetPayload> = z.strictObject({
  v: z.literal(1),
  origin: OriginShape,
  user: ThumbprintShape,
  root: SigningJwkShape,
  seq: CountShape,
  prev: ThumbprintShape.exactOptional(),
  iat: EpochSecondsShape,
  exp: EpochSecondsShape,
  devices: z.array(SetDeviceShape),
  revoked: z.array(RevocationShape),
  trust: TrustShape.exactOptional(),
  next: SigningJwkShape.exactOptional(),
  handovers: z.array(z.string()).min(1).exactOptional(),
  ext: ExtShape.exactOptional(),
})

export const deviceSetStatement: StatementType<DeviceSetPayload, 'kf-device-set+jwt'> = {
  typ: 'kf-device-set+jwt',
  shape: DeviceSetPayloadShape,
  code: 'set-invalid',
}
