import { sha256 } from '#platform'
import type { Thumbprint } from '../ids/ids.ts'
import { toBase64url, utf8 } from '../json/base64url.ts'

/** Public signing keys travel with the thumbprint members and `alg`, no others (PROTOCOL 1). */
export type PublicSigningJwk =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly alg: 'ES256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly alg: 'Ed25519'; readonly x: string }
  | { readonly kty: 'RSA'; readonly alg: 'PS256'; readonly n: string; readonly e: string }
export type SignatureAlg = PublicSigningJwk['alg']

/** Public transport keys travel with the thumbprint members only (PROTOCOL 2.1). */
export type TransportJwk =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'AKP'; readonly alg: string; readonly pub: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }

/** Members of RFC 7638 (for `AKP`: alg, kty, pub), in lexicographic order. */
const MEMBERS = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
  AKP: ['alg', 'kty', 'pub'],
} as const

/** RFC 7638 thumbprint with SHA-256, b64u. The members are b64u or fixed words, so JSON needs no escaping here. */
export function thumbprint(jwk: PublicSigningJwk | TransportJwk): Thumbprint {
  const members = jwk as unknown as Record<string, string>
  const text = MEMBERS[jwk.kty].map((name) => `"${name}":"${members[name]}"`).join(',')
  return toBase64url(sha256(utf8(`{${text}}`))) as Thumbprint
}
