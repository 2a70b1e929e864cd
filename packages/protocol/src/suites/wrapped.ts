import { KeyferryError } from '../errors.ts'
import type { Thumbprint } from '../ids/ids.ts'
import type { TransportJwk } from '../jose/jwk.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import type { KeyType } from '../statements/order-key.ts'
import { isWrappedJwe, type WrappedJwe, type WrappedKey } from '../statements/wrapped-key.ts'
import { hpke7 } from './hpke-7.ts'
import { keyOctetsFit, MAX_KEY_OCTETS } from './key-octets.ts'
import { readPaddedKey, writePaddedKey } from './padded-key.ts'
import type { JweSuite, TransportKeyPair } from './suite.ts'
import { unwrapFailed } from './unwrap-failed.ts'
import { WRAPPED_TYP } from './wrapped-checks.ts'

/** JWE suites that this version seals and opens in software. */
const JWE_SUITES: readonly JweSuite[] = [hpke7]

/** The suite of this name, or `null` for one that we do not do in software. */
export function jweSuite(alg: string): JweSuite | null {
  return JWE_SUITES.find((suite) => suite.alg === alg) ?? null
}

export interface WrapQuestion {
  readonly alg: string
  readonly recipient: TransportJwk
  /** Thumbprint of `recipient`, as the KTI names it. */
  readonly kid: Thumbprint
  readonly keyOctets: Uint8Array
  /** B: octets of the KTI as written. */
  readonly binding: Uint8Array
}

/**
 * Wraps key octets for a transport key (PROTOCOL 8, *Exact bytes*).
 * @throws {KeyferryError} `alg-not-allowed` for a suite that we do not do, `public-key-invalid`, `too-large`
 */
export async function wrapKey(question: WrapQuestion): Promise<WrappedJwe> {
  const suite = jweSuite(question.alg)
  if (suite === null) throw new KeyferryError('alg-not-allowed', 'this suite is not done in software')
  return wrapWith(suite, question)
}

/** The same with a suite given: {@link wrapKey} takes it from the name. */
export async function wrapWith(suite: JweSuite, question: Omit<WrapQuestion, 'alg'>): Promise<WrappedJwe> {
  const { recipient, kid, keyOctets, binding } = question
  if (keyOctets.length > MAX_KEY_OCTETS)
    throw new KeyferryError('too-large', 'the key is too large', { max: MAX_KEY_OCTETS })
  const header = toBase64url(utf8(JSON.stringify({ alg: suite.alg, kid, typ: WRAPPED_TYP })))
  const padded = writePaddedKey(keyOctets, binding)
  try {
    const { encryptedKey, ciphertext } = await suite.seal(recipient, padded, wrappedAad(header, binding))
    return { protected: header, encrypted_key: toBase64url(encryptedKey), ciphertext: toBase64url(ciphertext) }
  } finally {
    padded.fill(0)
  }
}

export interface UnwrapQuestion {
  readonly alg: string
  readonly pair: TransportKeyPair
  readonly wrapped: WrappedKey
  /** B: octets of the KTI as received. */
  readonly binding: Uint8Array
  /** What the key octets must be. */
  readonly type: KeyType
}

/**
 * T9: opens a wrapped key, once everything else was checked (`checkWrapped` among it). Says nothing about who wrapped it.
 * @returns The key octets in a fresh buffer; the caller fills it with zeros after use. JavaScript may keep other copies.
 * @throws {KeyferryError} `unwrap-failed`, the same for every cause, so that nobody learns which check failed.
 */
export async function unwrapKey({ alg, pair, wrapped, binding, type }: UnwrapQuestion): Promise<Uint8Array> {
  const suite = jweSuite(alg)
  if (suite === null || !isWrappedJwe(wrapped) || wrapped.iv !== undefined || wrapped.tag !== undefined)
    throw unwrapFailed()
  const sealed = sealedIn(wrapped)
  const padded = await suite.open(pair, sealed, wrappedAad(wrapped.protected, binding))
  try {
    const keyOctets = readPaddedKey(padded, binding)
    if (keyOctets !== null && keyOctetsFit(type, keyOctets)) return keyOctets
    keyOctets?.fill(0)
    throw unwrapFailed()
  } finally {
    padded.fill(0)
  }
}

function sealedIn(wrapped: WrappedJwe): { encryptedKey: Uint8Array; ciphertext: Uint8Array } {
  try {
    return { encryptedKey: fromBase64url(wrapped.encrypted_key), ciphertext: fromBase64url(wrapped.ciphertext) }
  } catch {
    throw unwrapFailed()
  }
}

/** AEAD additional data = ASCII(protected || "." || binding): with `"aad": binding` it is a standard JWE (RFC 7516). */
export function wrappedAad(protectedHeader: string, binding: Uint8Array): Uint8Array {
  return utf8(`${protectedHeader}.${toBase64url(binding)}`)
}
