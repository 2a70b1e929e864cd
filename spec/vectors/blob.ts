import { webcrypto } from 'node:crypto'
import {
  blobSuite,
  checkWrapped,
  KeyferryError,
  type KeyType,
  type Thumbprint,
  type TransportJwk,
  type TransportKeyPair,
  thumbprint,
  unwrapKey,
  utf8,
  type WrappedBlob,
} from '../../packages/protocol/src/index.ts'
import { rsaOaep256WithFixedSeed } from '../../packages/protocol/src/suites/rsa-oaep-256-deterministic.ts'
import { wrapBlobWith } from '../../packages/protocol/src/suites/wrapped.ts'
import { assert, assertEqual, luisTablet, martaPhone, secretOf } from './example.ts'
import type { VectorFile } from './vector-file.ts'

const ALG = 'RSA-OAEP-256'

/** An RSA key cannot be made from a name: this one protects nothing either. */
const privateJwk = {
  kty: 'RSA',
  n: 'snSc5RuixY4fCzfy7iQ1XVBrRq-OcaY5Dp0sobx4m15DTBbbxPfrKvfJwfCy1zMbqRDlkAqXzYcyPAa5giG-qNBZhQKl3ecCKBQBrte3jm-ZbDYYG8kUqqFKhly2Nv8MfWy-ILFG3x8Z1hhQicbaSpbWy08tjiyz8SWiPAj4X1frrDzrW28pphEwn8hhsZdK9TzrUGmJc56cu3rdK4BcsI6Xyl4Zk2aIedb-ZbBH1ipxKxhw_Qqxkzuaw-a8KYq4N4DaNys2mBykw6XnrGnJCLfGuVGoBCjuyOPQvONhBTGjiRM0lRW4beBgbL6zSNO6gRn3lR0DtMegAEsfyPFpLQ',
  e: 'AQAB',
  d: 'DH9nWO1fr79Wkc392fjTw-wUu8xGiPgtdH0ftViP9S0AQGY02V-oBkgLEAoCMzSX8izhVJCN7Ht5G3HvZ2SH429GQ2XZyjCaUX1eV6l6sWyxrWJllvpHQWLBMMxNZEN4ZZlu29tFUjZbYf52gOZ-h7q_dMa7V7mlKZmv-c2CcuGppak8plJF0ZM9s2sOBdbmRUrAT-CKXxg_z1rok58zyTw3DUNo-Glh-lvr9Cw2ih9VgByA5Zy62HPxPjj6KThSjkIftvPYsKXSknr1liqBPRoOXS83RE8D1BdJdZxt56VQqL6kiyOubcZapODIO7Jm5BBdWgsyRNeAxDtad6wR',
  p: '6NwjUGzO6yf4wu4O_6Cl1M_LGxEleqnFTLghTVxcWzr3iVfBXkrBSpLMwemjaH5h2sIRj23o1GxRwtuXnmuKDiy3G4o3-2wBpQ8joHDFDWcI28rEv-leqtAudXIBfdxWVuHZTqqMzg9DvSBblI050BYxPxiDtOvYshmmELAguaU',
  q: 'xDBy-W1InmfKEAAGToKlDpTw_a2f6poFfDXgIZy7DPkIQGeztu1b3ZD5T3musn7ZsTbPv8iimnDMPB8R1fhhytKPFcFHAxS68l2SJaPs3JwUx7kju-yLFigm9ZnaS_vtk8X9fdk_VHzQsbc5VkKHqvML1DV-GmJlb-x4go_ICuk',
  dp: 'GcjunCRAUWfOsv8baBEI6-TKj8e5R7ju4QzumxtkGrIP4QR3pBJRDwnsZHiToKmF-mxM933rL0KDVzlrs54i3mjzKbiHdG7ES9u-TTDPkSlcoMH2QW39DpsY2eZy5dX1NY-yuXRHPTYRgSrJGUz-Ht2mPF9hjjIjf605Z1WpegU',
  dq: 'Ot8XAUYL7ozSk66ONez6Pr_u-RCq1ilV0AoSscNoVeI82abExPXBBWHFjlXDWIi8JnN-L9yy_okuoDPqlDyui8BXc33GI2SLHMN7YZQpNaIYkj46POAkdIej-TsryHVWu2tEQAl6-Y1iypFiwUHBmEjKmelbZ-ty6P0axIME0lE',
  qi: 'pau2f_yoNh-qOyPR86D4Jw5DP85LMMEeJ4iMGg7MTQF9CxwqsKVELD4HIG3uhqJ9wjjs_RXhlnzAx-NUuRjujnsUW5drbEVYWEXWIt8ZFIfKNQa8J3jV8hQhvkccmSmQaTTgKnhIs1c_8ySVACdcaGW2ysSG_HsJmzkq0uQGVgg',
} as const
const recipient: TransportJwk = { kty: 'RSA', n: privateJwk.n, e: privateJwk.e }
const kid = thumbprint(recipient)

interface BlobCase {
  type: KeyType
  keyOctetsHex: string
  /** Of OAEP (RFC 8017, Section 7.1.1): 32 octets. */
  seedHex: string
  wrapped: WrappedBlob
}

/** Keys wrapped under an RSA transport key. Nothing of B is in a blob, so there is no envelope here. */
interface BlobVectors {
  privateJwk: typeof privateJwk
  kid: string
  wrapped: BlobCase[]
  /** A key of more octets than the modulus takes, which its source refuses. */
  tooLong: { keyOctetsHex: string; code: string }
  refused: { why: string; wrapped: WrappedBlob; code: string }[]
}

export const blob: VectorFile<BlobVectors> = {
  name: 'blob',
  async make() {
    const most = Uint8Array.from({ length: 256 - 66 }, (_, i) => i)
    const wrapped = [
      await caseOf('aes', secretOf('blob 1'), 'seed 1'),
      await caseOf('secret', Uint8Array.of(0), 'seed 2'),
      await caseOf('secret', most, 'seed 3'),
      await caseOf('hmac', secretOf('challenge'), 'seed 4'),
    ]
    const [first] = wrapped
    assert(first !== undefined, 'a case')
    const { blob: text } = first.wrapped
    const octets = Uint8Array.fromBase64(text, { alphabet: 'base64url' })
    const other = (changed: Uint8Array): WrappedBlob => ({
      ...first.wrapped,
      blob: changed.toBase64({ alphabet: 'base64url', omitPadding: true }),
    })
    return {
      privateJwk,
      kid,
      wrapped,
      tooLong: { keyOctetsHex: new Uint8Array(256 - 65).toHex(), code: 'key-not-exportable' },
      refused: [
        { why: 'an octet more', wrapped: other(Uint8Array.of(0, ...octets)), code: 'envelope-malformed' },
        { why: 'an octet less', wrapped: other(octets.subarray(1)), code: 'envelope-malformed' },
        { why: 'another suite', wrapped: { ...first.wrapped, alg: 'RSA-OAEP' }, code: 'binding-mismatch' },
        { why: 'another key', wrapped: { ...first.wrapped, kid: martaPhone.id }, code: 'binding-mismatch' },
        { why: 'a bit flipped', wrapped: other(octets.with(128, (octets[128] ?? 0) ^ 1)), code: 'unwrap-failed' },
        { why: 'not below the modulus', wrapped: other(new Uint8Array(256).fill(255)), code: 'unwrap-failed' },
      ],
    }
  },

  async check(vectors) {
    assertEqual(thumbprint(recipient), vectors.kid, 'the thumbprint of the transport key')
    const pair = await pairOf(vectors.privateJwk)
    for (const { type, keyOctetsHex, wrapped } of vectors.wrapped) {
      assertEqual((await open(pair, wrapped, type)).toHex(), keyOctetsHex, 'the wrapped key opens')
    }
    for (const { why, wrapped, code } of vectors.refused) {
      assertEqual(await codeOf(open(pair, wrapped, 'aes')), code, why)
    }
    const suite = blobSuite(ALG)
    assert(suite !== null, 'the suite is done')
    const { keyOctetsHex, code } = vectors.tooLong
    assertEqual(await codeOf(suite.wrap(recipient, Uint8Array.fromHex(keyOctetsHex))), code, 'too long')
  },
}

async function caseOf(type: KeyType, keyOctets: Uint8Array, seedName: string): Promise<BlobCase> {
  const seed = secretOf(seedName)
  const wrapped = await wrapBlobWith(rsaOaep256WithFixedSeed(seed), { recipient, kid, keyOctets })
  return { type, keyOctetsHex: keyOctets.toHex(), seedHex: seed.toHex(), wrapped }
}

/** D6 and T2, then T9. */
async function open(pair: TransportKeyPair, wrapped: WrappedBlob, type: KeyType): Promise<Uint8Array> {
  const terms = { alg: ALG, kid: kid as Thumbprint, src: luisTablet.id, dst: martaPhone.id }
  checkWrapped(wrapped, terms, { ...recipient })
  return unwrapKey({ alg: ALG, pair, wrapped, binding: utf8('{}'), type })
}

async function pairOf(jwk: typeof privateJwk): Promise<TransportKeyPair> {
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' }
  const { kty, n, e } = jwk
  return {
    publicKey: await webcrypto.subtle.importKey('jwk', { kty, n, e }, algorithm, true, ['encrypt']),
    privateKey: await webcrypto.subtle.importKey('jwk', jwk, algorithm, false, ['decrypt']),
  }
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.catch((reason: unknown) => reason)
  assert(error instanceof KeyferryError, 'it is refused')
  return error.code
}
