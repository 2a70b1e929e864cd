import { createECDH, createHash, createPrivateKey, sign } from 'node:crypto'
import type { ErrorCode } from '../src/errors.ts'
import { type PublicSigningJwk, type TransportJwk, thumbprint } from '../src/jose/jwk.ts'
import type { Signer } from '../src/jose/signer.ts'
import { toBase64url } from '../src/json/base64url.ts'

type EcPoint = { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }

/** The P-256 key of PROTOCOL's appendix: private scalar = SHA-256(ASCII("keyferry example " || name)). */
function exampleKey(name: string): { point: EcPoint; scalar: Uint8Array } {
  const scalar = new Uint8Array(createHash('sha256').update(`keyferry example ${name}`).digest())
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  const octets = ecdh.getPublicKey()
  const [x, y] = [toBase64url(octets.subarray(1, 33)), toBase64url(octets.subarray(33))]
  return { point: { kty: 'EC', crv: 'P-256', x, y }, scalar }
}

export function exampleSigner(name: string): Signer & { readonly jwk: PublicSigningJwk } {
  const { point, scalar } = exampleKey(name)
  const jwk = { ...point, alg: 'ES256' } as const
  const key = createPrivateKey({ format: 'jwk', key: { ...point, d: toBase64url(scalar) } })
  return {
    jwk,
    id: thumbprint(jwk),
    sign: async (octets) => new Uint8Array(sign('sha256', octets, { key, dsaEncoding: 'ieee-p1363' })),
  }
}

export function exampleTransportKey(name: string): { jwk: TransportJwk & EcPoint; scalar: Uint8Array } {
  const { point, scalar } = exampleKey(name)
  return { jwk: point, scalar }
}

/** For `toThrow` and `rejects.toThrow`: the code decides, not the prose. */
export function withCode(code: ErrorCode): object {
  return { asymmetricMatch: (error: unknown) => (error as { code?: unknown }).code === code, code }
}
