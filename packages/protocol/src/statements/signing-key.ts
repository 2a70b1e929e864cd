import type { PublicSigningJwk } from '../jose/jwk.ts'
import { fromBase64url } from '../json/base64url.ts'
import { isSoundEd25519, isSoundRsa } from '../suites/public-key.ts'
import { asSigningJwk, type NamedJwk } from './named-jwk.ts'

const unsound = new WeakMap<NamedJwk, boolean>()

/**
 * The key, if signatures by it count: of a kind that this version verifies with, and sound (PROTOCOL 1). A point off P-256 is
 * left to the platform, under which nothing then verifies.
 */
export function soundSigningKey(jwk: NamedJwk): PublicSigningJwk | null {
  const key = asSigningJwk(jwk)
  if (key === null || key.kty === 'EC') return key
  let bad = unsound.get(jwk)
  if (bad === undefined) {
    bad = !(key.kty === 'OKP' ? isSoundEd25519(fromBase64url(key.x)) : isSoundRsa(key.n, key.e))
    unsound.set(jwk, bad)
  }
  return bad ? null : key
}
