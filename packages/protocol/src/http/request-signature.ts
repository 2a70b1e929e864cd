import { KeyferryError } from '../errors.ts'
import { THUMBPRINT_PATTERN, type Thumbprint } from '../ids/ids.ts'
import type { Signer } from '../jose/signer.ts'
import { toBase64, utf8 } from '../json/base64url.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import { checkRequestLine, fieldValue, type HeaderFields, readerOf } from './headers.ts'
import { readSignatureMember } from './signature-member.ts'

/** A request as its signature sees it. `targetUri` is the configured origin and the path with its query, never `Host`. */
export interface HttpRequestParts {
  readonly method: string
  readonly targetUri: string
  readonly headers: HeaderFields
}

/** What a request's signature says of itself. Nothing is verified yet: that is `verifySignature(jwk, signature, base)`. */
export interface SignedRequestFacts {
  /** Thumbprint of the key that is said to have signed. */
  readonly keyid: Thumbprint
  /** b64u of at least 16 octets; spent once per `keyid` until `expires` + 60 s. */
  readonly nonce: string
  readonly created: EpochSeconds
  readonly expires: EpochSeconds
  /** Value of the member `kf` of Signature-Input, which the answer covers. */
  readonly signatureInput: string
  /** The signature base of RFC 9421, Section 2.5: what was signed. */
  readonly base: Uint8Array
  readonly signature: Uint8Array
}

/** `kf-hook-1` signs the webhooks that the server sends (PROTOCOL 12). */
export type RequestTag = 'kf-req-1' | 'kf-hook-1'

/** Fields that a signature covers if they are there (PROTOCOL 4), in the order in which we write them. */
const FIELDS = [
  'content-digest',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'prefer',
  'last-event-id',
] as const
const COMPONENTS: ReadonlyMap<string, number> = new Map(
  ['@method', '@target-uri', ...FIELDS].map((name, index) => [`"${name}"`, index]),
)
const NONCE = /^(?:[\w-]{4}){5,}(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048]|[\w-]{4})$/
const MAX_LIFETIME_SECONDS = 300
const SKEW_SECONDS = 60

/**
 * Reads the signature `kf` of a request against the profile of PROTOCOL 4: exactly the covered components and parameters
 * named there, in any order, strict RFC 8941 syntax. It verifies nothing: the caller looks up `keyid`, checks time and nonce
 * and verifies `signature` over `base`.
 * @param hasContent - whether the request has content; then it needs a `content-digest`, which `checkContentDigest` compares.
 * @throws {KeyferryError} `signature-missing`, `signature-invalid`, `digest-mismatch`
 */
export function readRequestSignature(
  parts: HttpRequestParts,
  hasContent: boolean,
  tag: RequestTag = 'kf-req-1',
): SignedRequestFacts {
  const headers = readerOf(parts.headers)
  const member = readSignatureMember(headers)
  const { created, expires, nonce, keyid } = member.parameters
  if (created === undefined || expires === undefined || nonce === undefined || keyid === undefined) {
    throw invalid('a parameter is missing')
  }
  if (member.parameters.tag !== tag) throw invalid('the tag is of another use')
  if (expires > created + MAX_LIFETIME_SECONDS) throw invalid('the signature lives too long')
  if (!NONCE.test(nonce)) throw invalid('the nonce is not b64u of 16 octets')
  if (!THUMBPRINT_PATTERN.test(keyid)) throw invalid('the keyid is not a thumbprint')
  checkRequestLine(parts.method, parts.targetUri)

  const values = [parts.method, parts.targetUri, ...FIELDS.map(headers)]
  if (hasContent && values[2] === undefined) {
    throw new KeyferryError('digest-mismatch', 'content without content-digest')
  }
  let base = ''
  let covered = 0
  for (const component of member.components) {
    const index = COMPONENTS.get(component)
    const value = index === undefined ? undefined : values[index]
    if (index === undefined || value === undefined) throw invalid('covers what it should not')
    if ((covered & (1 << index)) !== 0) throw invalid('covers a component twice')
    covered |= 1 << index
    base += `${component}: ${fieldText(value)}\n`
  }
  for (let index = 0; index < values.length; index++) {
    if (values[index] !== undefined && (covered & (1 << index)) === 0) throw invalid('leaves a component uncovered')
  }
  return {
    keyid: keyid as Thumbprint,
    nonce,
    created,
    expires,
    signatureInput: member.text,
    base: utf8(`${base}"@signature-params": ${member.text}`),
    signature: member.signature,
  }
}

/**
 * A request is accepted if `created` - 60 <= now < `expires`.
 * @throws {KeyferryError} `signature-expired`
 */
export function checkRequestTime(facts: Pick<SignedRequestFacts, 'created' | 'expires'>, now: EpochSeconds): void {
  if (now < facts.created - SKEW_SECONDS || now >= facts.expires) {
    throw new KeyferryError('signature-expired', 'the signature is out of time')
  }
}

export interface RequestSignatureOptions {
  readonly now: EpochSeconds
  /** b64u of at least 16 fresh random octets, or what an `Accept-Signature` asked for. */
  readonly nonce: string
  /** At most 300. */
  readonly lifetimeSeconds: number
  readonly tag?: RequestTag
}

/** The two fields that a signature adds to a message. */
export interface SignatureHeaders {
  readonly 'signature-input': string
  readonly signature: string
}

/**
 * Signs a request whose other headers, `content-digest` among them, are complete.
 * @throws {KeyferryError} `signature-invalid` if a covered header cannot be signed or an option is out of range.
 */
export async function signRequest(
  signer: Signer,
  parts: HttpRequestParts,
  options: RequestSignatureOptions,
): Promise<SignatureHeaders> {
  const { now, nonce, lifetimeSeconds, tag = 'kf-req-1' } = options
  if (!NONCE.test(nonce)) throw invalid('the nonce is not b64u of 16 octets')
  if (!(lifetimeSeconds > 0 && lifetimeSeconds <= MAX_LIFETIME_SECONDS)) throw invalid('the signature lives too long')
  checkRequestLine(parts.method, parts.targetUri)
  const headers = readerOf(parts.headers)
  let base = `"@method": ${parts.method}\n"@target-uri": ${parts.targetUri}\n`
  let components = '"@method" "@target-uri"'
  for (const name of FIELDS) {
    const value = headers(name)
    if (value === undefined) continue
    base += `"${name}": ${fieldText(value)}\n`
    components += ` "${name}"`
  }
  const input = `(${components});created=${now};expires=${now + lifetimeSeconds};nonce="${nonce}";keyid="${signer.id}";tag="${tag}"`
  const signature = await signer.sign(utf8(`${base}"@signature-params": ${input}`))
  return { 'signature-input': `kf=${input}`, signature: `kf=:${toBase64(signature)}:` }
}

function fieldText(value: string): string {
  const text = fieldValue(value)
  if (text === null) throw invalid('a header cannot be signed')
  return text
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('signature-invalid', message)
}
