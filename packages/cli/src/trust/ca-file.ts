import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { SigningJwkShape, type Thumbprint, thumbprint } from '@keyferry/protocol'
import { CliError } from '../console/cli-error.ts'

/** The id of an organisation CA from its public key: JWK, PEM, or a certificate of it. */
export function caIdOf(content: Buffer): Thumbprint {
  const jwk = SigningJwkShape.safeParse(jwkOf(content))
  if (jwk.success) return thumbprint(jwk.data)
  throw new CliError('wrong-use', 'there is no public key of a CA in this file', {
    hint: 'P-256 or Ed25519, as JWK, as PEM, or in a certificate',
  })
}

function jwkOf(content: Buffer): unknown {
  const text = content.toString('latin1')
  try {
    if (text.trimStart().startsWith('{')) return withAlg(JSON.parse(text) as Record<string, unknown>)
    if (text.includes('BEGIN CERTIFICATE')) return withAlg(exported(new X509Certificate(content).publicKey))
    return text.includes('PRIVATE KEY') ? null : withAlg(exported(createPublicKey(content)))
  } catch {
    return null
  }
}

function exported(key: KeyObject): Record<string, unknown> {
  return { ...key.export({ format: 'jwk' }) }
}

/** What a thumbprint is made of, and the algorithm that belongs to the kind of key. */
function withAlg({ kty, crv, x, y }: Record<string, unknown>): Record<string, unknown> {
  return kty === 'EC' ? { kty, crv, alg: 'ES256', x, y } : { kty, crv, alg: 'Ed25519', x }
}
