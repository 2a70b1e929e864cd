import { KeyferryError } from '../errors.ts'
import type { Thumbprint } from '../ids/ids.ts'
import type { TransportJwk } from '../jose/jwk.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import type { KeyType } from '../statements/order-key.ts'
import { isWrappedJwe, type WrappedBlob, type WrappedJwe, type WrappedKey } from '../statements/wrapped-key.ts'
import { hpke7 } from './hpke-7.ts'
import { keyOctetsFit, MAX_KEY_OCTETS } from './key-octets.ts'
import { readPaddedKey, writePaddedKey } from './padded-key.ts'
import { rsaOaep256 } from './rsa-oaep-256.ts'
import type { BlobSuite, JweSuite, TransportKeyPair } from './suite.ts'
import { unwrapFailed } from './unwrap-failed.ts'
import { WRAPPED_TYP } from './wrapped-checks.ts'

/** JWE suites that this version seals and opens in software. */
const JWE_SUITES: readonly JweSuite[] = [hpke7]
/** Blob suites that this version wraps in software: every source that can must (PROTOCOL 8). */
const BLOB_SUITES: readonly BlobSuite[] = [rsaOaep256]

/** The JWE suite of this name, or `null` for one that we do not do in software. */
export function jweSuite(alg: string): JweSuite | null {
  return JWE_SUITES.find((suite) => suite.alg === alg) ?? null
}

/** The blob suite of this name, or `null` for one that we do not do in software. */
export function blobSuite(alg: string): BlobSuite | null {
  return BLOB_SUITES.find((suite) => suite.alg === alg) ?? null
}

/** Whether {@link wrapKey} does this suite. */
export function wrapsInSoftware(alg: string): boolean {
  return jweSuite(alg) !== null || blobSuite(alg) !== null
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
 * @throws {KeyferryError} `alg-not-allowed` for a suite that we do not do, `public-key-invalid`, `too-large`, `key-not-exportable` for
 *   more octets than the suite takes under this key
 */
export async function wrapKey(question: WrapQuestion): Promise<WrappedKey> {
  const jwe = jweSuite(question.alg)
  if (jwe !== null) return wrapWith(jwe, question)
  const blob = blobSuite(question.alg)
  if (blob !== null) return wrapBlobWith(blob, question)
  throw new KeyferryError('alg-not-allowed', 'this suite is not done in software')
}

/** The same with a JWE suite given: {@link wrapKey} takes it from the name. */
export async function wrapWith(suite: JweSuite, question: Omit<WrapQuestion, 'alg'>): Promise<WrappedJwe> {
  const { recipient, kid, keyOctets, binding } = question
  refuseTooLarge(keyOctets)
  const header = toBase64url(utf8(JSON.stringify({ alg: suite.alg, kid, typ: WRAPPED_TYP })))
  const padded = writePaddedKey(keyOctets, binding)
  try {
    const { encryptedKey, ciphertext } = await suite.seal(recipient, padded, wrappedAad(header, binding))
    return { protected: header, encrypted_key: toBase64url(encryptedKey), ciphertext: toBase64url(ciphertext) }
  } finally {
    padded.fill(0)
  }
}

/** The same with a blob suite given. No P, no AAD: only the signature of the envelope binds a blob to B (PROTOCOL 8, 4.). */
export async function wrapBlobWith(
  suite: BlobSuite,
  question: Omit<WrapQuestion, 'alg' | 'binding'>,
): Promise<WrappedBlob> {
  const { recipient, kid, keyOctets } = question
  refuseTooLarge(keyOctets)
  return { alg: suite.alg, kid, blob: toBase64url(await suite.wrap(recipient, keyOctets)) }
}

function refuseTooLarge(keyOctets: Uint8Array): void {
  if (keyOctets.length > MAX_KEY_OCTETS)
    throw new KeyferryError('too-large', 'the key is too large', { max: MAX_KEY_OCTETS })
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
export async function unwrapKey(question: UnwrapQuestion): Promise<Uint8Array> {
  const { wrapped, type } = question
  const keyOctets = isWrappedJwe(wrapped) ? await openJwe(question, wrapped) : await openBlob(question, wrapped)
  if (keyOctetsFit(type, keyOctets)) return keyOctets
  keyOctets.fill(0)
  throw unwrapFailed()
}

async function openJwe({ alg, pair, binding }: UnwrapQuestion, wrapped: WrappedJwe): Promise<Uint8Array> {
  const suite = jweSuite(alg)
  if (suite === null || wrapped.iv !== undefined || wrapped.tag !== undefined) throw unwrapFailed()
  const sealed = sealedIn(wrapped)
  const padded = await suite.open(pair, sealed, wrappedAad(wrapped.protected, binding))
  try {
    const keyOctets = readPaddedKey(padded, binding)
    if (keyOctets === null) throw unwrapFailed()
    return keyOctets
  } finally {
    padded.fill(0)
  }
}

async function openBlob({ alg, pair }: UnwrapQuestion, wrapped: WrappedBlob): Promise<Uint8Array> {
  const suite = blobSuite(alg)
  if (suite === null || wrapped.alg !== alg) throw unwrapFailed()
  return suite.unwrap(pair, octetsOf(wrapped.blob))
}

function sealedIn(wrapped: WrappedJwe): { encryptedKey: Uint8Array; ciphertext: Uint8Array } {
  return { encryptedKey: octetsOf(wrapped.encrypted_key), ciphertext: octetsOf(wrapped.ciphertext) }
}

function octetsOf(text: string): Uint8Array {
  try {
    return fromBase64url(text)
  } catch {
    throw unwrapFailed()
  }
}

/** AEAD additional data = ASCII(protected || "." || binding): with `"aad": binding` it is a standard JWE (RFC 7516). */
export function wrappedAad(protectedHeader: string, binding: Uint8Array): Uint8Array {
  return utf8(`${protectedHeader}.${toBase64url(binding)}`)
}
