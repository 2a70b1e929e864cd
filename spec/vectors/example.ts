import { createHash, createPrivateKey, sign } from 'node:crypto'
import {
  type DeliveryId,
  type Id,
  type KeyId,
  makeId,
  makeVkey,
  type PublicSigningJwk,
  type Signer,
  type Thumbprint,
  type TransferId,
  type TransportJwk,
  thumbprint,
  toBase64url,
  type Vkey,
} from '../../packages/protocol/src/index.ts'
import { publicPoint, signEs256 } from './es256.ts'

/** The story of PROTOCOL's examples: Luis' tablet hands the key of a container to Marta's phone. */
export const ORIGIN = 'https://keys.example'
export const DAY = 86_400
/** `iat` of the KTI of section 7. */
export const NOW = 1_795_518_000
export const DEADLINE = 1_796_119_200
export const TR = 'tr_2ck0frzqa7em6qn7679ps32h78' as TransferId
export const DL = 'dl_0kz5s8wc31gks89569erpva0kj' as DeliveryId
export const CT = 'ct_35kbawdrad69570rfkfhyy361v' as Id<'ct'>
export const EN: Id<'en'> = makeId('en', secretOf('enrolment').subarray(0, 16))
export const NT = 'nt_0hmxmww82hdavq3c19kc1pm9kn' as Id<'nt'>

export interface ExampleSigner extends Signer {
  readonly name: string
}

/** SHA-256(ASCII("keyferry example " || name)): the private scalar, or seed, of every example key. */
export function secretOf(name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`keyferry example ${name}`).digest())
}

export function signer(name: string): ExampleSigner {
  const scalar = secretOf(name)
  const jwk = { ...ecJwk(scalar), alg: 'ES256' } as const
  return { name, jwk, id: thumbprint(jwk), sign: async (octets) => signEs256(scalar, octets) }
}

export interface ExampleTransportKey {
  readonly name: string
  readonly jwk: TransportJwk
  readonly kid: Thumbprint
  readonly scalar: Uint8Array
}

export function transportKey(name: string): ExampleTransportKey {
  const scalar = secretOf(name)
  const jwk = ecJwk(scalar)
  return { name, jwk, kid: thumbprint(jwk), scalar }
}

function ecJwk(scalar: Uint8Array): { kty: 'EC'; crv: 'P-256'; x: string; y: string } {
  const point = publicPoint(scalar)
  return { kty: 'EC', crv: 'P-256', x: toBase64url(point.subarray(1, 33)), y: toBase64url(point.subarray(33)) }
}

/** PKCS#8 of an Ed25519 seed (RFC 8410). */
const ED25519_HEAD = '302e020100300506032b657004220420'

/** An Ed25519 key of a log or witness; its signatures are the same each time anyway. */
export function noteKey(name: string, vkeyName: string, use: 'log' | 'witness'): { vkey: Vkey; signer: ExampleSigner } {
  const der = Buffer.concat([Buffer.from(ED25519_HEAD, 'hex'), secretOf(name)])
  const key = createPrivateKey({ format: 'der', type: 'pkcs8', key: der })
  const x = key.export({ format: 'jwk' }).x as string
  const jwk: PublicSigningJwk = { kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x }
  const publicKey = Uint8Array.fromBase64(x, { alphabet: 'base64url' })
  return {
    vkey: makeVkey(vkeyName, use, publicKey),
    signer: { name, jwk, id: thumbprint(jwk), sign: async (octets) => new Uint8Array(sign(null, octets, key)) },
  }
}

export const luisRoot = signer('luis root')
export const luisTablet = signer('luis tablet')
export const martaRoot = signer('marta root')
export const martaPhone = signer('marta phone')
export const martaPhoneEnc = transportKey('marta phone enc')
export const martaLaptop = signer('marta laptop')
export const martaLaptopEnc = transportKey('marta laptop enc')
export const server = signer('server')
export const ca = signer('ca')
export const application = signer('application')
export const log = noteKey('log', 'keys.example/log', 'log')
export const witness = noteKey('witness', 'witness.example', 'witness')

export const KEY = {
  id: `${luisRoot.id}/0tpbn4f2neatkmt5s8z6wygmzj` as KeyId,
  class: 'container',
  generation: 1,
  type: 'age',
} as const

/** The age identity of 32 octets 42h, upper case, no line end. */
export const KEY_OCTETS: Uint8Array = new TextEncoder().encode(
  'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX',
)

export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

export function assertEqual(actual: unknown, expected: unknown, what: string): void {
  assert(JSON.stringify(actual) === JSON.stringify(expected), what)
}
