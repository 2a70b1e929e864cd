import type { Thumbprint } from '../ids/ids.ts'
import type { PublicSigningJwk } from './jwk.ts'

/** A private signing key wherever it lives: in memory, on disk, in a token. */
export interface Signer {
  readonly jwk: PublicSigningJwk
  /** Thumbprint of `jwk`; the `kid` of what it signs. */
  readonly id: Thumbprint
  /** The JWS signature by `jwk.alg`: raw r||s for ES256 (64 octets). */
  sign(octets: Uint8Array): Promise<Uint8Array>
}
