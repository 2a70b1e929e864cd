import {
  checkContentDigest,
  checkRequestTime,
  contentDigest,
  readRequestSignature,
  requestBinding,
  type Signer,
  signRequest,
  signResponse,
  utf8,
  verifyResponse,
  verifySignature,
} from '../../packages/protocol/src/index.ts'
import { assert, assertEqual, DL, type ExampleSigner, martaPhone, ORIGIN, server } from './example.ts'
import type { VectorFile } from './vector-file.ts'

interface MessageVector {
  name: string
  signer: string
  request: { method: string; targetUri: string; headers: Record<string, string>; content: string }
  response?: { status: number; headers: Record<string, string>; content: string }
  /** The signature base of RFC 9421: of the answer if there is one, else of the request. */
  base: string
  now: number
}

/** `created` of the example base of PROTOCOL 4. */
const CREATED = 1_795_521_600
const NONCE = 'rlTfEhd99pz7iZdhnbXluA'

interface Plain {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly content: string
}
const COLLECT: Plain = {
  method: 'POST',
  path: `/v1/deliveries/${DL}/collections`,
  headers: { 'content-type': 'application/json' },
  content: '{}',
}
const POLL: Plain = {
  method: 'GET',
  path: `/v1/deliveries/${DL}`,
  headers: { prefer: 'wait=30', 'if-none-match': '"7"' },
  content: '',
}

export const http: VectorFile<MessageVector[]> = {
  name: 'http',
  async make() {
    const collect = await signedRequest('request with content (PROTOCOL 4)', COLLECT)
    const poll = await signedRequest('request without content', POLL)
    return [
      collect,
      poll,
      await signedResponse(
        'answer to a signed request',
        collect.request,
        200,
        { 'content-type': 'application/jose+json' },
        '{}',
      ),
      await signedResponse('answer without content', poll.request, 304, { etag: '"7"' }, ''),
      await signedResponse(
        'answer to an unsigned request',
        { method: 'GET', targetUri: `${ORIGIN}/.well-known/keyferry`, headers: {}, content: '' },
        503,
        { 'content-type': 'application/problem+json', 'retry-after': '60' },
        `{"type":"${ORIGIN}/problems/unavailable","title":"Not available now","status":503,"code":"unavailable"}`,
      ),
    ]
  },

  async check(vectors) {
    for (const { name, request, response, base, now } of vectors) {
      if (response === undefined) {
        const facts = readRequestSignature(request, request.content !== '')
        if (request.content !== '') checkContentDigest(request.headers['content-digest'], utf8(request.content))
        checkRequestTime(facts, now)
        assertEqual(new TextDecoder().decode(facts.base), base, `${name}: base`)
        assertEqual(facts.keyid, martaPhone.id, `${name}: keyid`)
        assert(await verifySignature(martaPhone.jwk, facts.signature, facts.base), `${name}: signature`)
      } else {
        const received = { status: response.status, headers: response.headers, content: utf8(response.content) }
        const findKey = (kid: string) => (kid === server.id ? server.jwk : null)
        const verified = await verifyResponse(received, requestBinding(request), findKey, now)
        assertEqual(verified.keyid, server.id, `${name}: keyid`)
      }
    }
    const [example] = vectors
    assert(example?.base.endsWith(EXAMPLE_END) === true, 'the example base of PROTOCOL 4')
  },
}

const EXAMPLE_END =
  '"@signature-params": ("@method" "@target-uri" "content-digest" "content-type");created=1795521600;expires=1795521900;' +
  'nonce="rlTfEhd99pz7iZdhnbXluA";keyid="WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc";tag="kf-req-1"'

async function signedRequest(name: string, { method, path, headers, content }: Plain): Promise<MessageVector> {
  const digest = content === '' ? {} : { 'content-digest': contentDigest(utf8(content)) }
  const plain = { method, targetUri: ORIGIN + path, headers: { ...digest, ...headers } }
  const { signer, base } = listening(martaPhone)
  const signed = await signRequest(signer, plain, { now: CREATED, nonce: NONCE, lifetimeSeconds: 300 })
  const request = { ...plain, headers: { ...plain.headers, ...signed }, content }
  return { name, signer: martaPhone.name, request, base: base(), now: CREATED }
}

async function signedResponse(
  name: string,
  request: MessageVector['request'],
  status: number,
  headers: Record<string, string>,
  content: string,
): Promise<MessageVector> {
  const digest = content === '' ? {} : { 'content-digest': contentDigest(utf8(content)) }
  const plain = { status, headers: { ...digest, ...headers } }
  const { signer, base } = listening(server)
  const signed = await signResponse(signer, { ...plain, request: requestBinding(request) }, CREATED + 1)
  const response = { ...plain, headers: { ...plain.headers, ...signed }, content }
  return { name, signer: server.name, request, response, base: base(), now: CREATED + 1 }
}

/** Keeps what was signed last. */
function listening(inner: ExampleSigner): { signer: Signer; base: () => string } {
  let base = ''
  const sign = (octets: Uint8Array): Promise<Uint8Array> => {
    base = new TextDecoder().decode(octets)
    return inner.sign(octets)
  }
  return { signer: { jwk: inner.jwk, id: inner.id, sign }, base: () => base }
}
