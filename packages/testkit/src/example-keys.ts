import { createECDH, createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { type PublicSigningJwk, type Signer, type Thumbprint, thumbprint, toBase64url } from '@keyferry/protocol'

/** A signing key in memory that anybody can make again from its name. For tests only. */
export interface ExampleSigner extends Signer {
  readonly jwk: Extract<PublicSigningJwk, { kty: 'EC' }>
  readonly name: string
  /** 32 octets. */
  readonly scalar: Uint8Array
}

export interface ExampleTransportKey {
  readonly jwk: { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  readonly kid: Thumbprint
  /** The private scalar, 32 octets. */
  readonly scalar: Uint8Array
}

/**
 * The P-256 signing key of PROTOCOL's appendix: private scalar = SHA-256(ASCII("keyferry example " || name)). `luis root`, `marta phone`
 * and the others named there give the ids of the examples.
 */
export function exampleSigner(name: string): ExampleSigner {
  const { x, y, scalar } = exampleScalar(name)
  const jwk = { kty: 'EC', crv: 'P-256', alg: 'ES256', x, y } as const
  const key = privateKey(x, y, scalar)
  return {
    name,
    jwk,
    id: thumbprint(jwk),
    scalar,
    sign: async (octets) => new Uint8Array(sign('sha256', octets, { key, dsaEncoding: 'ieee-p1363' })),
  }
}

/** The same for transport keys, whose JWK has the thumbprint members only. */
export function exampleTransportKey(name: string): ExampleTransportKey {
  const { x, y, scalar } = exampleScalar(name)
  const jwk = { kty: 'EC', crv: 'P-256', x, y } as const
  return { jwk, kid: thumbprint(jwk), scalar }
}

function exampleScalar(name: string): { x: string; y: string; scalar: Uint8Array } {
  const scalar = new Uint8Array(createHash('sha256').update(`keyferry example ${name}`).digest())
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  const point = ecdh.getPublicKey()
  return { x: toBase64url(point.subarray(1, 33)), y: toBase64url(point.subarray(33, 65)), scalar }
}

function privateKey(x: string, y: string, scalar: Uint8Array): KeyObject {
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y, d: toBase64url(scalar) } })
}
