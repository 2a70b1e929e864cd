import * as z from 'zod'
import type { UserId } from '../ids/ids.ts'
import type { PublicSigningJwk } from '../jose/jwk.ts'
import {
  AlgShape,
  b64uShape,
  CountShape,
  type DeviceKind,
  DeviceKindShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Exposure,
  ExposureShape,
  type Ext,
  ExtShape,
  OriginShape,
  SigningJwkShape,
  TextShape,
  ThumbprintShape,
} from '../json/shapes.ts'
import { type NamedJwk, NamedSigningJwkShape, NamedTransportJwkShape } from './named-jwk.ts'
import type { StatementType } from './statement.ts'

/** A transport key that a device offers (PROTOCOL 2.1); the thumbprint of `jwk` is its `kid`. */
export interface TransportKeyOffer {
  jwk: NamedJwk
  /** Exactly one suite of PROTOCOL 8. */
  alg: string
  nbf: EpochSeconds
  exp: EpochSeconds
  exposure: Exposure
  /** Offered in one KtI, for one delivery, then destroyed. */
  once?: true
  /** Blob suites only: the root id whose keys it takes; absent = the device's own user. */
  owner?: UserId
}

/** What a device can do as source (`wrap`) or, under shared secrets, as target (`unwrap`). */
export interface Capability {
  alg: string
  exposure: Exposure
}

/** Evidence for policy: it says that a key is in hardware, never whose it is (PROTOCOL 2.1). */
export interface Attestation {
  /** `x5c`, `tpm`, `eat`, `android-key`, `webauthn`; what policy does not know proves nothing to it. */
  format: string
  /** DER certificates, b64u, the leaf first. */
  chain: string[]
  data: string
}

/** `kf-device+jwt`: what a device says of itself (PROTOCOL 2.1). */
export interface DevicePayload {
  v: 1
  origin: string
  user: UserId
  /** Its signing key, whose thumbprint is the device id. */
  jwk: PublicSigningJwk
  seq: number
  iat: EpochSeconds
  exp: EpochSeconds
  kind: DeviceKind
  enc: TransportKeyOffer[]
  wrap: Capability[]
  unwrap?: Capability[]
  /** Key of the host agent, which signs some HTTP requests and no statement. */
  access?: NamedJwk
  attestation?: Attestation
  ext?: Ext
}

const TransportKeyOfferShape: z.ZodType<TransportKeyOffer> = z.strictObject({
  jwk: NamedTransportJwkShape,
  alg: AlgShape,
  nbf: EpochSecondsShape,
  exp: EpochSecondsShape,
  exposure: ExposureShape,
  once: z.literal(true).exactOptional(),
  owner: ThumbprintShape.exactOptional(),
})
const CapabilityShape: z.ZodType<Capability> = z.strictObject({ alg: AlgShape, exposure: ExposureShape })
const AttestationShape: z.ZodType<Attestation> = z.strictObject({
  format: TextShape,
  chain: z.array(b64uShape()),
  data: b64uShape(),
})

export const DevicePayloadShape: z.ZodType<DevicePayload> = z.strictObject({
  v: z.literal(1),
  origin: OriginShape,
  user: ThumbprintShape,
  jwk: SigningJwkShape,
  seq: CountShape,
  iat: EpochSecondsShape,
  exp: EpochSecondsShape,
  kind: DeviceKindShape,
  enc: z.array(TransportKeyOfferShape),
  wrap: z.array(CapabilityShape),
  unwrap: z.array(CapabilityShape).exactOptional(),
  access: NamedSigningJwkShape.exactOptional(),
  attestation: AttestationShape.exactOptional(),
  ext: ExtShape.exactOptional(),
})

export const deviceStatement: StatementType<DevicePayload, 'kf-device+jwt'> = {
  typ: 'kf-device+jwt',
  shape: DevicePayloadShape,
  code: 'statement-invalid',
}
