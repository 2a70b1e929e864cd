import fc from 'fast-check'
import {
  component,
  createSignature,
  type RequestDescriptor,
  type ResponseDescriptor,
  verifySignature,
} from 'http-message-sig'
import { parseDictionary, serializeInnerList } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { readRequestSignature, signRequest } from '../src/http/request-signature.ts'
import { requestBinding, signResponse, verifyResponse } from '../src/http/response-signature.ts'
import { dictionaryMember, isSignatureInput } from '../src/http/structured-fields.ts'
import type { Thumbprint } from '../src/ids/ids.ts'
import type { Signer } from '../src/jose/signer.ts'
import { fromUtf8, toBase64url } from '../src/json/base64url.ts'
import { exampleSigner } from './example-keys.ts'

/** What a signer was asked to sign; its signature is nothing. */
function recorder(id: Thumbprint): Signer & { readonly bases: string[]; readonly algorithm: string } {
  const bases: string[] = []
  return {
    bases,
    jwk: { kty: 'EC', crv: 'P-256', alg: 'ES256', x: '', y: '' },
    id,
    algorithm: 'ecdsa-p256-sha256',
    sign: async (octets) => {
      bases.push(fromUtf8(octets))
      return new Uint8Array(64)
    },
  }
}

const octets = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const aThumbprint = octets(32).map((hash) => toBase64url(hash) as Thumbprint)
const aNonce = fc.integer({ min: 16, max: 32 }).chain(octets).map(toBase64url)
const aTime = fc.integer({ min: 1, max: 4_000_000_000 })
const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
const aValue = fc
  .array(fc.oneof({ weight: 9, arbitrary: visible }, { weight: 1, arbitrary: fc.constant(' ') }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((characters) => characters.join('').trim())
  .filter((value) => value !== '')
const aDigest = octets(32).map((hash) => `sha-256=:${hash.toBase64()}:`)
const aPath = fc
  .array(fc.constantFrom(...'abz019-_~/%2?=&'), { maxLength: 30 })
  .map((path) => `https://keys.example/v1/${path.join('')}`)
const aMethod = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE')

const REQUEST_FIELDS = [
  'content-digest',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'prefer',
  'last-event-id',
]
const RESPONSE_FIELDS = ['content-digest', 'content-type', 'etag', 'location', 'retry-after']
function someFields(names: readonly string[]): fc.Arbitrary<Record<string, string>> {
  const values = Object.fromEntries(names.map((name) => [name, name === 'content-digest' ? aDigest : aValue]))
  return fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<Record<string, string>>
}
function fieldsOf(headers: Record<string, string>): { name: string; value: string }[] {
  return Object.entries(headers).map(([name, value]) => ({ name, value }))
}
const aRequest = fc.record({ method: aMethod, targetUri: aPath, headers: someFields(REQUEST_FIELDS) })

/** One text that a map or list of parameters has in the order given. */
function inOrder<T extends object>(parameters: T, order: readonly number[]): T {
  const entries = Object.entries(parameters)
  const sorted = order.map((at) => entries[at % entries.length]).filter((entry) => entry !== undefined)
  return Object.fromEntries([...sorted, ...entries]) as T
}

describe('http-message-sig agrees', () => {
  it('on the base of any request of the profile', async () => {
    await fc.assert(
      fc.asyncProperty(aRequest, aThumbprint, aNonce, aTime, async (request, keyid, nonce, now) => {
        const ours = recorder(keyid)
        const signed = await signRequest(ours, request, { now, nonce, lifetimeSeconds: 300 })
        const theirs = recorder(keyid)
        const present = REQUEST_FIELDS.filter((name) => request.headers[name] !== undefined)
        const fields = await createSignature(
          { kind: 'request', method: request.method, targetUri: request.targetUri, fields: fieldsOf(request.headers) },
          {
            label: 'kf',
            components: ['@method', '@target-uri', ...present],
            parameters: { created: now, expires: now + 300, nonce, keyid, tag: 'kf-req-1' },
            signer: theirs,
          },
        )
        expect(signed).toEqual({ 'signature-input': fields.signatureInput, signature: fields.signature })
        expect(ours.bases).toEqual(theirs.bases)
        const facts = readRequestSignature({ ...request, headers: { ...request.headers, ...signed } }, false)
        expect(fromUtf8(facts.base)).toBe(theirs.bases[0])
        expect(facts).toMatchObject({ keyid, nonce, created: now, expires: now + 300 })
      }),
    )
  })

  it('on requests that it signs in another order, beside other labels', async () => {
    const anOrder = fc.array(fc.nat(6), { maxLength: 7 })
    await fc.assert(
      fc.asyncProperty(aRequest, aThumbprint, aNonce, aTime, anOrder, async (request, keyid, nonce, now, order) => {
        const theirs = recorder(keyid)
        const present = REQUEST_FIELDS.filter((name) => request.headers[name] !== undefined)
        const components = ['@method', '@target-uri', ...present]
        const shuffled = [
          ...new Set([...order.map((at) => components[at % components.length] as string), ...components]),
        ]
        const parameters = { created: now, expires: now + 60, nonce, keyid, tag: 'kf-req-1' }
        const descriptor: RequestDescriptor = {
          kind: 'request',
          method: request.method,
          targetUri: request.targetUri,
          fields: fieldsOf(request.headers),
        }
        const fields = await createSignature(descriptor, {
          label: 'kf',
          components: shuffled,
          parameters: inOrder(parameters, order),
          signer: theirs,
        })
        const other = await createSignature(descriptor, {
          label: 'other',
          components: ['@path'],
          parameters: { note: 'a, "b" (c) \\' },
          signer: recorder(keyid),
        })
        const headers = {
          ...request.headers,
          'signature-input': `${other.signatureInput}, ${fields.signatureInput}`,
          signature: `${fields.signature}, ${other.signature}`,
        }
        const facts = readRequestSignature({ ...request, headers }, false)
        expect(fromUtf8(facts.base)).toBe(theirs.bases[0])
      }),
    )
  })

  it('on the base of any answer', async () => {
    const anAnswer = fc.record({
      status: fc.integer({ min: 200, max: 299 }),
      headers: someFields(RESPONSE_FIELDS),
      signed: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(aRequest, anAnswer, aThumbprint, aTime, async (request, answer, keyid, now) => {
        const nonce = toBase64url(new Uint8Array(16))
        const fields = await signRequest(recorder(keyid), request, { now, nonce, lifetimeSeconds: 1 })
        const headers = answer.signed ? { ...request.headers, ...fields } : request.headers
        const binding = requestBinding({ ...request, headers })
        const ours = recorder(keyid)
        const signed = await signResponse(ours, { ...answer, request: binding }, now)
        const theirs = recorder(keyid)
        const descriptor: ResponseDescriptor = {
          kind: 'response',
          status: answer.status,
          fields: fieldsOf(answer.headers),
          request: {
            kind: 'request',
            method: request.method,
            targetUri: request.targetUri,
            fields: fieldsOf(headers),
          },
        }
        const components = [
          '@status',
          ...RESPONSE_FIELDS.filter((name) => answer.headers[name] !== undefined),
          component('@method', { req: true }),
          component('@target-uri', { req: true }),
          ...('content-digest' in request.headers ? [component('content-digest', { req: true })] : []),
          ...(answer.signed ? [component('signature-input', { req: true, key: 'kf' })] : []),
        ]
        const parameters = { created: now, keyid, tag: 'kf-res-1' }
        const made = await createSignature(descriptor, { label: 'kf', components, parameters, signer: theirs })
        expect(ours.bases).toEqual(theirs.bases)
        expect(signed).toEqual({ 'signature-input': made.signatureInput, signature: made.signature })
      }),
    )
  })

  it('on real signatures, both ways', async () => {
    const signer = exampleSigner('server')
    const request = { method: 'GET', targetUri: 'https://keys.example/v1/users', headers: {} }
    const binding = requestBinding(request)
    const headers = { 'content-type': 'application/json' }
    const signed = await signResponse(signer, { status: 200, headers, request: binding }, 1000)
    const answer = { status: 200, headers: { ...headers, ...signed }, content: null }
    await expect(verifyResponse(answer, binding, () => signer.jwk, 1000)).resolves.toMatchObject({ keyid: signer.id })
    const key = await crypto.subtle.importKey('jwk', signer.jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'verify',
    ])
    const verified = await verifySignature(
      {
        kind: 'response',
        status: 200,
        fields: fieldsOf(answer.headers),
        request: { kind: 'request', method: 'GET', targetUri: request.targetUri, fields: [] },
      },
      {
        label: 'kf',
        policy: {
          algorithms: ['ecdsa-p256-sha256'],
          requiredComponents: ['@status'],
          requiredParameters: ['keyid'],
          now: 1000,
        },
        resolveVerifier: () => ({
          algorithm: 'ecdsa-p256-sha256',
          verify: (data, signature) =>
            crypto.subtle.verify(
              { name: 'ECDSA', hash: 'SHA-256' },
              key,
              new Uint8Array(signature),
              new Uint8Array(data),
            ),
        }),
      },
    )
    expect(verified.parameters.keyid).toBe(signer.id)
  })
})

describe('structured-headers agrees', () => {
  const piece = fc.constantFrom(
    'kf',
    'a',
    '*b.c',
    '=',
    ',',
    ', ',
    ' ',
    '\t',
    ';',
    '; ',
    '(',
    ')',
    '"',
    '"x"',
    '"\\""',
    '\\',
    '1',
    '-1',
    '0',
    '-0',
    '01',
    '1.5',
    '1.',
    '1.2345',
    '9999999999999999',
    ':AA==:',
    ':AB==:',
    ':',
    '?1',
    '?0',
    '?',
    'tok/en:x',
    'A',
    '()',
    '("@method")',
    'é',
    '\n',
    '@1',
    '%"x"',
  )
  const aField = fc.oneof(
    fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
    fc
      .array(fc.tuple(fc.constantFrom('kf', 'a', 'b'), fc.array(piece, { maxLength: 6 })), { maxLength: 4 })
      .map((members) => members.map(([key, pieces]) => `${key}=${pieces.join('')}`).join(', ')),
    fc
      .array(fc.array(piece, { maxLength: 4 }), { maxLength: 5 })
      .map((items) => `kf=(${items.map((pieces) => `"x"${pieces.join('')}`).join(' ')});a=1`),
  )

  function theirs(field: string): ReturnType<typeof parseDictionary> | null {
    try {
      return parseDictionary(field)
    } catch {
      return null
    }
  }

  it('that what we read as a dictionary is one, and with which member', () => {
    let read = 0
    fc.assert(
      fc.property(aField, (field) => {
        const member = dictionaryMember(field, 'kf')
        if (member === null) return
        const dictionary = theirs(field)
        expect(dictionary, field).not.toBeNull()
        if (member === undefined) return
        read++
        expect(parseDictionary(`kf=${member}`).get('kf')).toEqual(dictionary?.get('kf'))
      }),
      { numRuns: 20_000 },
    )
    expect(read).toBeGreaterThan(100)
  })

  it('that what we refuse is no dictionary of RFC 8941, or names the member twice', () => {
    fc.assert(
      fc.property(aField, (field) => {
        if (dictionaryMember(field, 'kf') !== null) return
        const dictionary = theirs(field)
        if (dictionary === null) return
        const twice = [...field.matchAll(/kf/g)].length > 1
        // RFC 9651 has dates and display strings, which RFC 8941 does not.
        const newer = /@|%"/.test(field)
        expect(twice || newer, field).toBe(true)
      }),
      { numRuns: 20_000 },
    )
  })

  it('that a list which we call well-formed is written as it would write it', () => {
    let written = 0
    fc.assert(
      fc.property(aField, (field) => {
        const member = dictionaryMember(field, 'kf')
        if (!member || !isSignatureInput(member)) return
        const list = parseDictionary(`kf=${member}`).get('kf')
        if (list === undefined || !Array.isArray(list[0])) throw new Error('not a list')
        const parameters = [...member.matchAll(/;/g)].length
        // A parameter that stands twice counts once; nobody who writes fields does that.
        fc.pre(parameters === list[1].size + list[0].reduce((sum, [, more]) => sum + more.size, 0))
        expect(serializeInnerList(list)).toBe(member)
        written++
      }),
      { numRuns: 20_000 },
    )
    expect(written).toBeGreaterThan(100)
  })
})
