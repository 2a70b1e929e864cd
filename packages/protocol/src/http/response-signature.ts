import { verifySignature } from '#platform'
import { KeyferryError, withErrorCode } from '../errors.ts'
import { THUMBPRINT_PATTERN, type Thumbprint } from '../ids/ids.ts'
import type { PublicSigningJwk } from '../jose/jwk.ts'
import type { Signer } from '../jose/signer.ts'
import { toBase64, utf8 } from '../json/base64url.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import { checkContentDigest } from './content-digest.ts'
import { checkRequestLine, fieldValue, type HeaderFields, readerOf } from './headers.ts'
import type { HttpRequestParts, SignatureHeaders } from './request-signature.ts'
import { kfMember, readSignatureMember } from './signature-member.ts'

/** What an answer says of the request that it answers. */
export interface RequestBinding {
  readonly method: string
  readonly targetUri: string
  /** The `content-digest` of the request, if it had one. */
  readonly contentDigest?: string
  /** Value of its well-formed member `kf` of Signature-Input, valid or not. */
  readonly kfSignatureInput?: string
}

/** The binding of an answer to this request, as both ends make it. Headers that cannot be signed count as absent. */
export function requestBinding(parts: HttpRequestParts): RequestBinding {
  const headers = readerOf(parts.headers)
  const contentDigest = fieldValue(headers('content-digest') ?? '\0')
  const kfSignatureInput = kfMember(headers('signature-input') ?? '')
  return {
    method: parts.method,
    targetUri: parts.targetUri,
    ...(contentDigest === null ? {} : { contentDigest }),
    ...(kfSignatureInput === null ? {} : { kfSignatureInput }),
  }
}

const FIELDS = ['content-digest', 'content-type', 'etag', 'location', 'retry-after'] as const
const TAG = 'kf-res-1'
const MAX_SKEW_SECONDS = 300

/** Component identifiers and values of an answer, in the order in which we write them. */
function componentsOf(status: number, headers: HeaderFields, request: RequestBinding): Map<string, string> {
  const read = readerOf(headers)
  if (!Number.isInteger(status) || status < 100 || status > 599) throw invalid('not a status')
  checkRequestLine(request.method, request.targetUri)
  const components = new Map([['"@status"', String(status)]])
  for (const name of FIELDS) {
    const value = read(name)
    if (value !== undefined) components.set(`"${name}"`, fieldText(value))
  }
  components.set('"@method";req', request.method)
  components.set('"@target-uri";req', request.targetUri)
  if (request.contentDigest !== undefined) components.set('"content-digest";req', fieldText(request.contentDigest))
  if (request.kfSignatureInput !== undefined) {
    components.set('"signature-input";req;key="kf"', fieldText(request.kfSignatureInput))
  }
  return components
}

/** An answer before it is signed: its headers are complete, `content-digest` among them. */
export interface ResponseToSign {
  readonly status: number
  readonly headers: HeaderFields
  readonly request: RequestBinding
}

/** Signs an answer under the server's key, bound to the request that it answers (PROTOCOL 4). */
export async function signResponse(
  signer: Signer,
  response: ResponseToSign,
  now: EpochSeconds,
): Promise<SignatureHeaders> {
  let base = ''
  let names = ''
  for (const [name, value] of componentsOf(response.status, response.headers, response.request)) {
    base += `${name}: ${value}\n`
    names += names === '' ? name : ` ${name}`
  }
  const input = `(${names});created=${now};keyid="${signer.id}";tag="${TAG}"`
  const signature = await signer.sign(utf8(`${base}"@signature-params": ${input}`))
  return { 'signature-input': `kf=${input}`, signature: `kf=:${toBase64(signature)}:` }
}

export interface ReceivedResponse {
  readonly status: number
  readonly headers: HeaderFields
  /** The whole content, empty if there is none; null for a stream, which is signed without a digest. */
  readonly content: Uint8Array | null
}

/** What an answer has proved: who signed it, and when. A device without a clock takes its time from `created`. */
export interface VerifiedResponse {
  readonly keyid: Thumbprint
  readonly created: EpochSeconds
}

/** The server key of this thumbprint that the device trusts, or null. */
export type FindServerKey = (kid: Thumbprint) => PublicSigningJwk | null | Promise<PublicSigningJwk | null>

/**
 * Verifies that an answer was signed by a server key of the trust file and belongs to this request, digest included.
 * A redirect is refused whoever signed it: devices follow none.
 * @param now - null on a device without a clock: `created` is then not compared.
 * @throws {KeyferryError} `response-invalid`, the same for every cause; where all is well but the time, its detail `skewSeconds` says by
 *   how much this clock is ahead of the server's (negative: behind).
 */
export async function verifyResponse(
  response: ReceivedResponse,
  request: RequestBinding,
  findKey: FindServerKey,
  now: EpochSeconds | null,
): Promise<VerifiedResponse> {
  const { keyid, created, base, signature } = withErrorCode('response-invalid', () => read(response, request))
  const jwk = await findKey(keyid)
  if (jwk === null) throw invalid('signed by a key that is not trusted')
  if (!(await verifySignature(jwk, signature, base))) throw invalid('the signature does not verify')
  // Bound to this very request, it cannot be an old one: the clocks differ, and by how much is known.
  if (now !== null && Math.abs(now - created) > MAX_SKEW_SECONDS) {
    throw new KeyferryError('response-invalid', skewText(now - created), { skewSeconds: now - created })
  }
  return { keyid, created }
}

function skewText(seconds: number): string {
  const minutes = Math.round(Math.abs(seconds) / 60)
  const hours = Math.round(minutes / 60)
  const off = minutes < 120 ? `${minutes} min` : hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
  return `your clock is ${off} ${seconds > 0 ? 'ahead of' : 'behind'} the server’s`
}

function read(
  response: ReceivedResponse,
  request: RequestBinding,
): VerifiedResponse & { base: Uint8Array; signature: Uint8Array } {
  const { status, content } = response
  if (status >= 300 && status < 400 && status !== 304) throw invalid('a redirect')
  const headers = readerOf(response.headers)
  if (content !== null) checkContentDigest(headers('content-digest'), content)
  const member = readSignatureMember(headers)
  const { created, expires, nonce, keyid, tag } = member.parameters
  if (created === undefined || keyid === undefined || tag !== TAG || expires !== undefined || nonce !== undefined) {
    throw invalid('the parameters are not those of an answer')
  }
  if (!THUMBPRINT_PATTERN.test(keyid)) throw invalid('the keyid is not a thumbprint')
  const expected = componentsOf(status, headers, request)
  let base = ''
  for (const name of member.components) {
    const value = expected.get(name)
    if (value === undefined) throw invalid('covers what it should not, or twice')
    expected.delete(name)
    base += `${name}: ${value}\n`
  }
  if (expected.size > 0) throw invalid('leaves a component uncovered')
  return {
    keyid: keyid as Thumbprint,
    created,
    base: utf8(`${base}"@signature-params": ${member.text}`),
    signature: member.signature,
  }
}

function fieldText(value: string): string {
  const text = fieldValue(value)
  if (text === null) throw invalid('a header cannot be signed')
  return text
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('response-invalid', message)
}
