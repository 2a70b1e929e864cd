import * as z from 'zod'
import { sha256 } from '#platform'
import type { Thumbprint } from '../ids/ids.ts'
import type { PublicSigningJwk, TransportJwk } from '../jose/jwk.ts'
import { toBase64url, utf8 } from '../json/base64url.ts'
import { SigningJwkShape, TransportJwkShape } from '../json/shapes.ts'

/**
 * A public key that a statement names but whose reader need not support it: "a set or statement is not refused because it
 * names them" (PROTOCOL 1). Of a kind that this version knows, it has that kind's exact form.
 */
export type NamedJwk = { readonly kty: string; readonly [member: string]: string }

const AnyJwkShape = z.looseObject({ kty: z.string() }).catchall(z.string())

/** Thumbprint members and `alg`, no others. */
export const NamedSigningJwkShape: z.ZodType<NamedJwk> = AnyJwkShape.refine(
  (jwk) => !isKnownSigningKind(jwk) || SigningJwkShape.safeParse(jwk).success,
)

/** Thumbprint members only. */
export const NamedTransportJwkShape: z.ZodType<NamedJwk> = AnyJwkShape.refine(
  (jwk) => !isKnownTransportKind(jwk) || TransportJwkShape.safeParse(jwk).success,
)

function isKnownSigningKind(jwk: NamedJwk): boolean {
  const { kty, crv, alg } = jwk
  return (kty === 'EC' && crv === 'P-256') || (kty === 'OKP' && crv === 'Ed25519') || (kty === 'RSA' && alg === 'PS256')
}

function isKnownTransportKind(jwk: NamedJwk): boolean {
  return (jwk.kty === 'EC' && jwk.crv === 'P-256') || jwk.kty === 'RSA' || jwk.kty === 'AKP'
}

/** The same object, if it is of a kind that we verify signatures with, else `null`. */
export function asSigningJwk(jwk: NamedJwk): PublicSigningJwk | null {
  // Its shape was checked when the statement was read.
  return isKnownSigningKind(jwk) ? (jwk as unknown as PublicSigningJwk) : null
}

/** The same object, if it is of a kind that a suite of PROTOCOL 8 takes, else `null`. */
export function asTransportJwk(jwk: NamedJwk): TransportJwk | null {
  return isKnownTransportKind(jwk) ? (jwk as unknown as TransportJwk) : null
}

/**
 * RFC 7638 thumbprint of a key of any kind: such JWKs hold the thumbprint members and, when they sign, `alg`, which is a
 * thumbprint member for `AKP` only (PROTOCOL 1).
 */
export function namedThumbprint(jwk: NamedJwk): Thumbprint {
  let known = thumbprints.get(jwk)
  if (known === undefined) {
    known = computeThumbprint(jwk)
    thumbprints.set(jwk, known)
  }
  return known
}

/** Keys of a statement are asked for at each delivery, and a statement never changes. */
const thumbprints = new WeakMap<NamedJwk, Thumbprint>()

function computeThumbprint(jwk: NamedJwk): Thumbprint {
  const names = Object.keys(jwk).filter((name) => name !== 'alg' || jwk.kty === 'AKP')
  const members = names.sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(jwk[name])}`)
  return toBase64url(sha256(utf8(`{${members.join(',')}}`))) as Thumbprint
}
