import * as z from 'zod'
import { type ErrorCode, KeyferryError, withErrorCode } from '../errors.ts'
import {
  type DeliveryId,
  ID_PATTERN,
  type Id,
  type IdPrefix,
  KEY_ID_PATTERN,
  type KeyId,
  THUMBPRINT_PATTERN,
  type Thumbprint,
  type TransferId,
} from '../ids/ids.ts'
import type { PublicSigningJwk, TransportJwk } from '../jose/jwk.ts'
import { fromBase64url, utf8 } from './base64url.ts'
import { type JsonValue, parseStrictJson } from './strict-json.ts'

/** Shapes that several statements and bodies share. All limits are those of PROTOCOL 1 and 2. */

export const MAX_STRING_OCTETS = 1024

/** Seconds since 1970-01-01T00:00:00Z. */
export type EpochSeconds = number
export const EpochSecondsShape: z.ZodType<EpochSeconds> = z.int().min(0)
export const CountShape: z.ZodType<number> = z.int().min(1)

export const ThumbprintShape: z.ZodType<Thumbprint> = z
  .string()
  .regex(THUMBPRINT_PATTERN) as unknown as z.ZodType<Thumbprint>
export const KeyIdShape: z.ZodType<KeyId> = z.string().regex(KEY_ID_PATTERN) as unknown as z.ZodType<KeyId>
export function idShape<P extends IdPrefix>(prefix: P): z.ZodType<Id<P>> {
  return z.string().regex(ID_PATTERN[prefix]) as unknown as z.ZodType<Id<P>>
}
export const TransferIdShape: z.ZodType<TransferId> = idShape('tr')
export const DeliveryIdShape: z.ZodType<DeliveryId> = idShape('dl')

/** A string of at most 1024 octets. */
export const TextShape: z.ZodType<string> = z.string().refine((text) => octetLength(text) <= MAX_STRING_OCTETS)

/** b64u of any length (`octets` absent) or of exactly `octets` octets. */
export function b64uShape(octets?: number): z.ZodType<string> {
  return z.string().refine((text) => {
    try {
      const length = fromBase64url(text).length
      return octets === undefined || length === octets
    } catch {
      return false
    }
  })
}

/** `https://host` or `https://host:port`: lower case, ASCII, default port omitted, no final slash (PROTOCOL 1). */
export const OriginShape: z.ZodType<string> = z
  .string()
  .regex(/^https:\/\/(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$/)
  .refine((origin) => !origin.endsWith(':443') && octetLength(origin) <= MAX_STRING_OCTETS)

/** NFC, 1..128 octets, no control, format or line separator characters (PROTOCOL 1). */
export const UserNameShape: z.ZodType<string> = z
  .string()
  .refine((name) => name.length > 0 && octetLength(name) <= 128 && name.normalize('NFC') === name)
  .refine((name) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name))

/** A word that a reader may not support but must not choke on: suites, key types of later versions (PROTOCOL 1). */
export const AlgShape: z.ZodType<string> = TextShape

export const SigningJwkShape: z.ZodType<PublicSigningJwk> = z.discriminatedUnion('kty', [
  z.strictObject({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    alg: z.literal('ES256'),
    x: b64uShape(32),
    y: b64uShape(32),
  }),
  z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), alg: z.literal('Ed25519'), x: b64uShape(32) }),
  z.strictObject({ kty: z.literal('RSA'), alg: z.literal('PS256'), n: b64uShape(), e: z.literal('AQAB') }),
])
export const TransportJwkShape: z.ZodType<TransportJwk> = z.discriminatedUnion('kty', [
  z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: b64uShape(32), y: b64uShape(32) }),
  z.strictObject({ kty: z.literal('AKP'), alg: AlgShape, pub: b64uShape() }),
  z.strictObject({ kty: z.literal('RSA'), n: b64uShape(), e: b64uShape() }),
])

export type Exposure = 'software' | 'host-transient' | 'in-device'
/** Lowest to highest (PROTOCOL 2.1). */
export const EXPOSURES: readonly Exposure[] = ['software', 'host-transient', 'in-device']
export const ExposureShape: z.ZodType<Exposure> = z.enum(['software', 'host-transient', 'in-device'])
/** Whether `exposure` protects at least as well as `minimum`. */
export function reachesExposure(exposure: Exposure, minimum: Exposure): boolean {
  return EXPOSURES.indexOf(exposure) >= EXPOSURES.indexOf(minimum)
}

export interface MinExposure {
  source: Exposure
  target: Exposure
}
export const MinExposureShape: z.ZodType<MinExposure> = z.strictObject({ source: ExposureShape, target: ExposureShape })

export const DEVICE_KINDS = [
  'smartcard',
  'uicc',
  'microsd',
  'tpm',
  'hsm',
  'tee',
  'usb-token',
  'ese',
  'software',
  'browser',
] as const
export type DeviceKind = (typeof DEVICE_KINDS)[number]
export const DeviceKindShape: z.ZodType<DeviceKind> = z.enum(DEVICE_KINDS)

export type Mechanism = 'public-key' | 'shared-secret' | 'derived-key' | 'directory'
export const MechanismShape: z.ZodType<Mechanism> = z.enum(['public-key', 'shared-secret', 'derived-key', 'directory'])

export type Ext = Record<string, JsonValue>
/** The only place for additions: readers ignore and never compare it (PROTOCOL 1). */
export const ExtShape: z.ZodType<Ext> = z.custom<Ext>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

export function octetLength(text: string): number {
  return utf8(text).length
}

/**
 * Strict JSON octets of a given shape.
 * @throws {KeyferryError} `code`; the message names the member, never its value.
 */
export function readStrictly<T>(shape: z.ZodType<T>, octets: Uint8Array, code: ErrorCode): T {
  return fitShape(
    shape,
    withErrorCode(code, () => parseStrictJson(octets)),
    code,
  )
}

/** @throws {KeyferryError} `code` unless the value has the shape. */
export function fitShape<T>(shape: z.ZodType<T>, value: unknown, code: ErrorCode): T {
  const result = shape.safeParse(value)
  if (result.success) return result.data
  const where = result.error.issues[0]?.path.join('.')
  throw new KeyferryError(
    code,
    where ? `member "${where.slice(0, 80)}" is not as it should be` : 'not of the right shape',
  )
}
