import * as z from 'zod'
import { KeyferryError, withErrorCode } from '../errors.ts'
import type { SharedSecretId, Thumbprint } from '../ids/ids.ts'
import { fromBase64url } from '../json/base64url.ts'
import { b64uShape, readStrictly } from '../json/shapes.ts'
import type { KeyTransferInfo } from '../statements/key-transfer-info.ts'
import { asTransportJwk, type NamedJwk } from '../statements/named-jwk.ts'
import { isWrappedJwe, type WrappedBlob, type WrappedJwe, type WrappedKey } from '../statements/wrapped-key.ts'
import { BLOCK_OCTETS } from './padded-key.ts'
import { transportKeyIsValid } from './public-key.ts'
import { modulusOctets } from './rsa-oaep-256.ts'
import { type SuiteForm, suiteForm } from './suite-table.ts'

/** Members of a KTI that say how the key is wrapped. */
export type WrappingTerms = Pick<KeyTransferInfo, 'alg' | 'kid' | 'secret' | 'src' | 'dst'>

export const WRAPPED_TYP = 'kf-key+jwe'
const TAG_OCTETS = 16

/**
 * D6 of PROTOCOL 9.2, and part of T2: `wrapped` has the form of the suite, names the suite and key of the KTI, and has the
 * lengths that the suite fixes. Opens nothing.
 * @param recipient - The transport key `kid`, where it is known: a blob under an RSA key is as long as its modulus.
 * @throws {KeyferryError} `envelope-malformed`, `binding-mismatch`
 */
export function checkWrapped(wrapped: WrappedKey, terms: WrappingTerms, recipient: NamedJwk | null = null): void {
  const suite = suiteForm(terms.alg)
  if (suite === null) throw new KeyferryError('binding-mismatch', 'the suite is not known')
  if (isWrappedJwe(wrapped)) checkJwe(wrapped, suite, terms)
  else checkBlob(wrapped, suite, terms, recipient)
}

interface JweHeader {
  alg: string
  kid: string
  typ: string
  enc?: string
  epk?: { kty: string; crv: string; x: string; y: string }
  apu?: string
  apv?: string
}
const JweHeaderShape: z.ZodType<JweHeader> = z.strictObject({
  alg: z.string(),
  kid: z.string(),
  typ: z.literal(WRAPPED_TYP),
  enc: z.literal('A256GCM').exactOptional(),
  epk: z
    .strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: b64uShape(32), y: b64uShape(32) })
    .exactOptional(),
  apu: z.string().exactOptional(),
  apv: z.string().exactOptional(),
})

function checkJwe(wrapped: WrappedJwe, suite: SuiteForm, terms: WrappingTerms): void {
  if (suite.form !== 'jwe') throw malformed('this suite makes a blob')
  const header = withErrorCode('envelope-malformed', () =>
    readStrictly(JweHeaderShape, fromBase64url(wrapped.protected), 'envelope-malformed'),
  )
  const ephemeral = suite.ephemeral === true
  if ((header.enc === undefined) !== suite.hpke) throw malformed('the JWE header does not fit the suite')
  if ((header.epk === undefined) === ephemeral) throw malformed('the JWE header does not fit the suite')
  if (header.alg !== terms.alg || header.kid !== nameOf(suite, terms)) throw mismatch()
  if (header.apu !== (ephemeral ? terms.src : undefined)) throw mismatch()
  if (header.apv !== (ephemeral ? terms.dst : undefined)) throw mismatch()
  if ((wrapped.iv === undefined) !== suite.hpke || (wrapped.tag === undefined) !== suite.hpke) {
    throw malformed('the JWE does not fit the suite')
  }
  if (octetsIn(wrapped.encrypted_key) !== suite.encryptedKeyOctets)
    throw malformed('a length is not as the suite fixes it')
  const padded = octetsIn(wrapped.ciphertext) - (suite.hpke ? TAG_OCTETS : 0)
  if (padded < BLOCK_OCTETS || padded % BLOCK_OCTETS !== 0) throw malformed('a length is not as the suite fixes it')
}

function checkBlob(wrapped: WrappedBlob, suite: SuiteForm, terms: WrappingTerms, recipient: NamedJwk | null): void {
  if (suite.form !== 'blob') throw malformed('this suite makes a JWE')
  const name = suite.under === 'kid' ? wrapped.kid : wrapped.secret
  if (name === undefined) throw malformed('the blob does not fit the suite')
  if (wrapped.alg !== terms.alg || name !== nameOf(suite, terms)) throw mismatch()
  if (!fitsBlob(terms.alg, octetsIn(wrapped.blob), modulusOctetsOf(recipient)))
    throw malformed('a length is not as the suite fixes it')
}

/** RSA moduli have 2048..4096 bits (PROTOCOL 1); RFC 5649 and 3394 make multiples of 8. */
const [MIN_MODULUS_OCTETS, MAX_MODULUS_OCTETS] = [256, 512]

/** @param modulus - Octets of the modulus of the transport key, `null` where it is not known. */
function fitsBlob(alg: string, octets: number, modulus: number | null): boolean {
  const [least, most] = modulus === null ? [MIN_MODULUS_OCTETS, MAX_MODULUS_OCTETS] : [modulus, modulus]
  switch (alg) {
    case 'A256KWP':
      return octets >= 16 && octets % 8 === 0
    case 'RSA-OAEP-256':
    case 'RSA-OAEP':
      return octets >= least && octets <= most
    case 'RSA-OAEP-256+A256KWP':
    case 'RSA-OAEP+A256KWP':
      return octets >= least + 16 && (modulus === null || (octets - modulus) % 8 === 0)
    case 'RSA-OAEP-256+A256KW':
      return octets >= least + 24 && (modulus === null || (octets - modulus) % 8 === 0)
    default:
      return octets > 0
  }
}

/** Octets of the modulus, `null` for no RSA key or one that nobody should have been allowed to name. */
function modulusOctetsOf(recipient: NamedJwk | null): number | null {
  const jwk = recipient === null ? null : asTransportJwk(recipient)
  return jwk?.kty === 'RSA' && transportKeyIsValid(jwk) ? modulusOctets(jwk) : null
}

function nameOf(suite: SuiteForm, terms: WrappingTerms): Thumbprint | SharedSecretId | undefined {
  return suite.under === 'kid' ? terms.kid : terms.secret
}

/** Octets of a text that is known to be b64u. */
function octetsIn(text: string): number {
  return Math.floor((text.length * 3) / 4)
}

function malformed(message: string): KeyferryError {
  return new KeyferryError('envelope-malformed', message)
}

function mismatch(): KeyferryError {
  return new KeyferryError('binding-mismatch', 'the wrapped key names another suite or key than the KTI')
}
