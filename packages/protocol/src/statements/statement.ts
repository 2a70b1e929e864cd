import type * as z from 'zod'
import { type ErrorCode, KeyferryError } from '../errors.ts'
import type { Ref, Thumbprint } from '../ids/ids.ts'
import { joinCompact, readJws, refOf, signJws, splitCompact, type UnverifiedJws, verifyJws } from '../jose/jws.ts'
import type { Signer } from '../jose/signer.ts'
import { utf8 } from '../json/base64url.ts'
import { type EpochSeconds, readStrictly } from '../json/shapes.ts'
import type { NamedJwk } from './named-jwk.ts'
import { soundSigningKey } from './signing-key.ts'

/** A signed statement in compact form (PROTOCOL 2), read strictly. Only {@link verifyStatement} says whether it is genuine. */
export interface Statement<P> {
  readonly typ: string
  /** Compact JWS, as received: stored and handed on unchanged. */
  readonly text: string
  readonly ref: Ref
  /** Thumbprint of the key that is said to have signed. */
  readonly kid: Thumbprint
  readonly payload: P
  readonly jws: UnverifiedJws
}

/** One of the types of PROTOCOL 2: its `typ`, the shape of its payload, and what its reader throws. */
export interface StatementType<P, Typ extends string = string> {
  readonly typ: Typ
  readonly shape: z.ZodType<P>
  readonly code: ErrorCode
}

/**
 * Reads a compact statement strictly. It is NOT verified.
 * @throws {KeyferryError} the `code` of the type
 */
export function readStatement<P>(type: StatementType<P>, text: string): Statement<P> {
  const jws = readJws(splitCompact(text, type.code), type.typ, type.code)
  const payload = readStrictly(type.shape, jws.payload, type.code)
  return { typ: type.typ, text, ref: jws.ref, kid: jws.kid, payload, jws }
}

/** Whether the key made the signature. A key of a kind that we do not know, or that is not sound, made none. */
export async function verifyStatement(statement: Statement<unknown>, jwk: NamedJwk): Promise<boolean> {
  const key = soundSigningKey(jwk)
  return key !== null && verifyJws(statement.jws, key)
}

/**
 * Signs a payload, its members in the order given. What is signed has been read as its readers will read it.
 * @throws {KeyferryError} the `code` of the type, when no reader would take the payload.
 */
export async function signStatement<P>(type: StatementType<P>, signer: Signer, payload: P): Promise<Statement<P>> {
  const octets = utf8(JSON.stringify(payload))
  const read = readStrictly(type.shape, octets, type.code)
  const parts = await signJws(signer, type.typ, octets)
  const jws = { parts, alg: signer.jwk.alg, kid: signer.id, payload: octets, ref: refOf(parts) }
  return { typ: type.typ, text: joinCompact(parts), ref: jws.ref, kid: jws.kid, payload: read, jws }
}

/** Lets a true clock of one side differ from another's (PROTOCOL 1). */
export const CLOCK_SKEW_SECONDS = 60

export type Validity = { iat: EpochSeconds; exp: EpochSeconds } | { nbf: EpochSeconds; exp: EpochSeconds }

/** In time iff (`nbf` or `iat`) - 60 <= now < `exp` (PROTOCOL 1). */
export function inTime(validity: Validity, now: EpochSeconds): 'early' | 'in-time' | 'expired' {
  const from = 'nbf' in validity ? validity.nbf : validity.iat
  if (now >= validity.exp) return 'expired'
  return from - CLOCK_SKEW_SECONDS <= now ? 'in-time' : 'early'
}

const DAY_SECONDS = 86_400
/** Longest `exp - iat` of device statements, device sets and orders (PROTOCOL 2.1, 2.2, 2.4). */
export const MAX_LIFE_SECONDS: number = 90 * DAY_SECONDS
/** Longest `exp - iat` of user statements and grants (PROTOCOL 2.3). */
export const MAX_LONG_LIFE_SECONDS: number = 398 * DAY_SECONDS

/** @throws {KeyferryError} `code`, if it would live longer than allowed, or not at all. */
export function checkLife(
  validity: { iat: EpochSeconds; exp: EpochSeconds },
  maxSeconds: number,
  code: ErrorCode,
): void {
  const life = validity.exp - validity.iat
  if (life <= 0 || life > maxSeconds) throw new KeyferryError(code, 'its life is not as long as allowed')
}
