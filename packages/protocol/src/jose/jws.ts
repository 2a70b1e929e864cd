import * as z from 'zod'
import { sha256, verifySignature } from '#platform'
import { type ErrorCode, KeyferryError, withErrorCode } from '../errors.ts'
import type { Ref, Thumbprint } from '../ids/ids.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import { readStrictly } from '../json/shapes.ts'
import type { PublicSigningJwk } from './jwk.ts'
import type { Signer } from './signer.ts'

/** The three parts of a JWS as they travel (RFC 7515). Signatures and refs cover them as they are, never as written anew. */
export interface JwsParts {
  readonly protected: string
  readonly payload: string
  readonly signature: string
}

interface Header {
  alg: string
  typ: string
  kid: string
}
const HeaderShape: z.ZodType<Header> = z.strictObject({ alg: z.string(), typ: z.string(), kid: z.string() })

/** A JWS taken apart: its header is strict and of the right `typ`, its signature not yet verified. */
export interface UnverifiedJws {
  readonly parts: JwsParts
  readonly alg: string
  /** Thumbprint of the key that is said to have signed. */
  readonly kid: Thumbprint
  readonly payload: Uint8Array
  /** ref(S) = b64u(SHA-256(ASCII(protected || "." || payload))): the signing input, never the signature (PROTOCOL 2). */
  readonly ref: Ref
}

/**
 * Splits a JWS in compact form.
 * @throws {KeyferryError} `code`, if it has not exactly three parts.
 */
export function splitCompact(text: string, code: ErrorCode): JwsParts {
  const [protectedHeader, payload, signature, more] = text.split('.', 4)
  if (!protectedHeader || !payload || !signature || more !== undefined)
    throw new KeyferryError(code, 'not a compact JWS')
  return { protected: protectedHeader, payload, signature }
}

export function joinCompact(parts: JwsParts): string {
  return `${parts.protected}.${parts.payload}.${parts.signature}`
}

/**
 * Reads header and payload octets of a JWS whose header is exactly `alg`, `typ`, `kid` (PROTOCOL 2).
 * @throws {KeyferryError} `code`
 */
export function readJws(parts: JwsParts, typ: string, code: ErrorCode): UnverifiedJws {
  const header = readStrictly(HeaderShape, decode(parts.protected, code), code)
  if (header.typ !== typ) throw new KeyferryError(code, `not a ${typ}`)
  const payload = decode(parts.payload, code)
  decode(parts.signature, code)
  return { parts, alg: header.alg, kid: header.kid as Thumbprint, payload, ref: refOf(parts) }
}

function decode(text: string, code: ErrorCode): Uint8Array {
  return withErrorCode(code, () => fromBase64url(text))
}

/** ref(S) of PROTOCOL 2. */
export function refOf(parts: Pick<JwsParts, 'protected' | 'payload'>): Ref {
  return toBase64url(sha256(utf8(`${parts.protected}.${parts.payload}`))) as Ref
}

/** Whether `jwk` made this signature: `alg` of the header and of the key MUST be equal (PROTOCOL 1). */
export async function verifyJws(jws: UnverifiedJws, jwk: PublicSigningJwk): Promise<boolean> {
  if (jws.alg !== jwk.alg) return false
  const input = utf8(`${jws.parts.protected}.${jws.parts.payload}`)
  return verifySignature(jwk, fromBase64url(jws.parts.signature), input)
}

/** Signs payload octets: `{"alg","typ","kid"}` with the signer's thumbprint. */
export async function signJws(signer: Signer, typ: string, payload: Uint8Array): Promise<JwsParts> {
  const header = toBase64url(utf8(JSON.stringify({ alg: signer.jwk.alg, typ, kid: signer.id })))
  const body = toBase64url(payload)
  const signature = await signer.sign(utf8(`${header}.${body}`))
  return { protected: header, payload: body, signature: toBase64url(signature) }
}
