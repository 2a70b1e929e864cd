import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { KeyferryError, type PublicSigningJwk, type Signer, SigningJwkShape, thumbprint } from '@keyferry/protocol'

/**
 * Signs with a private key in this process: ES256 on P-256 (raw r||s, 64 octets) or Ed25519.
 * Signing is done at once, on this thread: it takes some 30 us, less than handing it to another.
 *
 * @throws {KeyferryError} `public-key-invalid` for a key of another kind.
 */
export function nodeSigner(key: KeyObject): Signer {
  const jwk = publicJwk(key)
  const es256 = jwk.alg === 'ES256'
  return {
    jwk,
    id: thumbprint(jwk),
    async sign(octets) {
      const made = es256 ? sign('sha256', octets, { key, dsaEncoding: 'ieee-p1363' }) : sign(null, octets, key)
      return new Uint8Array(made)
    },
  }
}

function publicJwk(key: KeyObject): PublicSigningJwk {
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' })
  const jwk = kty === 'EC' ? { kty, crv, alg: 'ES256', x, y } : { kty, crv, alg: 'Ed25519', x }
  const fit = SigningJwkShape.safeParse(jwk)
  if (!fit.success) throw new KeyferryError('public-key-invalid', 'neither P-256 nor Ed25519')
  return fit.data
}
