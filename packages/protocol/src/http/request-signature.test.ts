import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Thumbprint } from '../ids/ids.ts'
import type { Signer } from '../jose/signer.ts'
import { fromUtf8 } from '../json/base64url.ts'
import { contentDigest } from './content-digest.ts'
import { checkRequestTime, type HttpRequestParts, readRequestSignature, signRequest } from './request-signature.ts'

const KEYID = 'WMhv-lZ5WUF_6krchQcr5vgk9eZKb7q0juxOIAcCICc'
const NONCE = 'rlTfEhd99pz7iZdhnbXluA'
const PARAMETERS = `;created=1795521600;expires=1795521900;nonce="${NONCE}";keyid="${KEYID}";tag="kf-req-1"`
const INPUT = `kf=("@method" "@target-uri" "content-digest" "content-type")${PARAMETERS}`
const SIGNATURE = `kf=:${'A'.repeat(86)}==:`
const DIGEST = 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:'

/** The base of PROTOCOL 4. */
const BASE = `"@method": POST
"@target-uri": https://keys.example/v1/deliveries/dl_0kz5s8wc31gks89569erpva0kj/collections
"content-digest": ${DIGEST}
"content-type": application/json
"@signature-params": ("@method" "@target-uri" "content-digest" "content-type")${PARAMETERS}`

function aRequest(headers: Record<string, string | undefined> = {}): HttpRequestParts {
  return {
    method: 'POST',
    targetUri: 'https://keys.example/v1/deliveries/dl_0kz5s8wc31gks89569erpva0kj/collections',
    headers: {
      'content-digest': DIGEST,
      'content-type': 'application/json',
      'signature-input': INPUT,
      signature: SIGNATURE,
      ...headers,
    },
  }
}
function read(headers: Record<string, string | undefined> = {}): ReturnType<typeof readRequestSignature> {
  return readRequestSignature(aRequest(headers), true)
}
function withCode(code: string): Error {
  return expect.objectContaining({ code })
}
const signer: Signer = {
  jwk: { kty: 'EC', crv: 'P-256', alg: 'ES256', x: '', y: '' },
  id: KEYID as Thumbprint,
  sign: async () => new Uint8Array(64),
}

describe('the signature of a request', () => {
  it('has the base of PROTOCOL 4', () => {
    const facts = read()
    expect(fromUtf8(facts.base)).toBe(BASE)
    expect(facts).toMatchObject({ keyid: KEYID, nonce: NONCE, created: 1795521600, expires: 1795521900 })
    expect(facts.signatureInput).toBe(INPUT.slice(3))
    expect(facts.signature).toEqual(new Uint8Array(64))
  })

  it('is made with the same octets', async () => {
    const request = aRequest({ 'content-digest': contentDigest(new TextEncoder().encode('{}')) })
    const made = await signRequest(signer, request, { now: 1795521600, nonce: NONCE, lifetimeSeconds: 300 })
    expect(made).toEqual({ 'signature-input': INPUT, signature: SIGNATURE })
  })

  it('may list components and parameters in any order', () => {
    const input = `kf=("content-type" "@target-uri" "content-digest" "@method");tag="kf-req-1";keyid="${KEYID}";nonce="${NONCE}";expires=1795521900;created=1795521600`
    const lines = fromUtf8(read({ 'signature-input': input }).base).split('\n')
    expect(lines[0]).toBe('"content-type": application/json')
    expect(lines[4]).toBe(`"@signature-params": ${input.slice(3)}`)
  })

  it('stands beside other labels, which may hold anything that is well-formed', () => {
    const facts = read({
      'signature-input': `a=1.5;x;y="\\", kf=(",\t${INPUT} , other=( "@path";a=?0  tok:en );keyid=:AAA=:,last`,
      signature: `sig1=:AA==:, ${SIGNATURE}`,
    })
    expect(fromUtf8(facts.base)).toBe(BASE)
  })

  it.each([
    ['no field', { 'signature-input': undefined }],
    ['no signature', { signature: undefined }],
    ['another label', { 'signature-input': INPUT.replace('kf', 'sig1') }],
    ['another label of the signature', { signature: SIGNATURE.replace('kf', 'sig1') }],
    ['no octets', { signature: 'kf="AAAA"' }],
    ['octets without padding', { signature: 'kf=:AA:' }],
    ['octets with trailing bits', { signature: 'kf=:AB==:' }],
    ['no octets at all', { signature: 'kf=::' }],
    ['a parameter of the signature', { signature: `${SIGNATURE};a=1` }],
    ['a member without value', { 'signature-input': 'kf' }],
    ['a member that is no list', { 'signature-input': 'kf="@method"' }],
    ['a broken dictionary', { 'signature-input': `${INPUT},` }],
    ['two commas', { 'signature-input': `a=1,,${INPUT}` }],
    ['a broken neighbour', { 'signature-input': `${INPUT}, b=(` }],
    ['an open string', { 'signature-input': `a="b, ${INPUT}` }],
    ['the member twice', { 'signature-input': `${INPUT}, ${INPUT}` }],
    ['the signature twice', { signature: `${SIGNATURE}, ${SIGNATURE}` }],
    ['space in the list', { 'signature-input': INPUT.replace('("', '( "') }],
    ['two spaces in the list', { 'signature-input': INPUT.replace('" "', '"  "') }],
    ['space before a parameter', { 'signature-input': INPUT.replace(';expires', '; expires') }],
    ['a leading zero', { 'signature-input': INPUT.replace('created=', 'created=0') }],
    ['a number too long', { 'signature-input': INPUT.replace('created=', 'created=1234567') }],
  ])('is missing with %s', (_, headers) => {
    expect(() => read(headers)).toThrow(withCode('signature-missing'))
  })

  it.each([
    ['a component too few', INPUT.replace(' "content-type"', '')],
    ['no method', INPUT.replace('"@method" ', '')],
    ['no component', INPUT.replace(/\(.*\)/, '()')],
    ['a component that is absent', INPUT.replace('"content-type"', '"content-type" "if-match"')],
    ['a component of another profile', INPUT.replace('"content-type"', '"content-type" "@path"')],
    ['a component twice', INPUT.replace('"content-type"', '"content-type" "content-type"')],
    ['a component of a related request', INPUT.replace('"@method"', '"@method";req')],
    ['a component with a parameter', INPUT.replace('"content-type"', '"content-type";sf')],
    ['an upper-case component', INPUT.replace('"content-type"', '"Content-Type"')],
    ['an unknown parameter', `${INPUT};x=1`],
    ['alg', `${INPUT};alg="ecdsa-p256-sha256"`],
    ['a parameter twice', `${INPUT};created=1795521600`],
    ['a string twice', `${INPUT};tag="kf-req-1"`],
    ['no created', INPUT.replace(/;created=\d+/, '')],
    ['no expires', INPUT.replace(/;expires=\d+/, '')],
    ['no nonce', INPUT.replace(/;nonce="[^"]*"/, '')],
    ['no keyid', INPUT.replace(/;keyid="[^"]*"/, '')],
    ['no tag', INPUT.replace(/;tag="[^"]*"/, '')],
    ['the tag of an answer', INPUT.replace('kf-req-1', 'kf-res-1')],
    ['the tag of a webhook', INPUT.replace('kf-req-1', 'kf-hook-1')],
    ['a life of 301 s', INPUT.replace('1795521900', '1795521901')],
    ['a short nonce', INPUT.replace(NONCE, NONCE.slice(1))],
    ['a nonce with trailing bits', INPUT.replace(NONCE, NONCE.replace(/A$/, 'B'))],
    ['a nonce with padding', INPUT.replace(NONCE, `${NONCE}==`)],
    ['a keyid that is no thumbprint', INPUT.replace(KEYID, 'me')],
    ['created as a string', INPUT.replace('=1795521600', '="1795521600"')],
    ['a negative time', INPUT.replace('created=', 'created=-')],
    ['a token', INPUT.replace('"kf-req-1"', 'kf-req-1')],
    ['an escape', INPUT.replace('kf-req-1', 'kf-req-\\"')],
  ])('is invalid with %s', (_, input) => {
    expect(() => read({ 'signature-input': input })).toThrow(withCode('signature-invalid'))
  })

  it('is invalid if a header that it must cover came in on the way', () => {
    for (const name of ['idempotency-key', 'if-match', 'if-none-match', 'prefer', 'last-event-id']) {
      expect(() => read({ [name]: 'x' })).toThrow(withCode('signature-invalid'))
    }
  })

  it('is invalid over a header that could be read as two lines', () => {
    for (const value of ['a\nb', 'a\r\n b', 'é', 'a\0']) {
      expect(() => read({ 'content-type': value })).toThrow(withCode('signature-invalid'))
    }
    expect(fromUtf8(read({ 'content-type': ' application/json\t' }).base)).toBe(BASE)
  })

  it('is neither read nor made over a method or target that could be read as two lines', async () => {
    const options = { now: 1795521600, nonce: NONCE, lifetimeSeconds: 300 }
    for (const change of [
      { method: 'GET POST' },
      { method: 'POST\n"@target-uri": https://keys.example/v1/users' },
      { method: '' },
      { targetUri: 'https://keys.example/v1/a b' },
      { targetUri: 'https://keys.example/v1/é' },
      { targetUri: 'https://keys.example/v1/a\n' },
    ]) {
      const request = { ...aRequest(), ...change }
      expect(() => readRequestSignature(request, true)).toThrow(withCode('malformed'))
      await expect(signRequest(signer, request, options)).rejects.toThrow(withCode('malformed'))
    }
  })

  it('covers the digest of any content', () => {
    const headers = { 'content-digest': undefined, 'signature-input': INPUT.replace(' "content-digest"', '') }
    expect(() => read(headers)).toThrow(withCode('digest-mismatch'))
    expect(readRequestSignature(aRequest(headers), false).nonce).toBe(NONCE)
  })

  it('is in time from 60 s before it was created until it expires', () => {
    const facts = { created: 1000, expires: 1300 }
    for (const now of [940, 1000, 1299]) expect(() => checkRequestTime(facts, now)).not.toThrow()
    for (const now of [939, 1300]) expect(() => checkRequestTime(facts, now)).toThrow(withCode('signature-expired'))
  })

  it('is not made out of range', async () => {
    const options = { now: 1, nonce: NONCE, lifetimeSeconds: 300 }
    for (const wrong of [{ nonce: 'short' }, { lifetimeSeconds: 301 }, { lifetimeSeconds: 0 }]) {
      await expect(signRequest(signer, aRequest(), { ...options, ...wrong })).rejects.toThrow(
        withCode('signature-invalid'),
      )
    }
  })

  it('is read quickly, whatever stands in its fields', () => {
    const fields = [
      `kf=(${'"@method" '.repeat(3000)}`,
      `kf=(${' '.repeat(30_000)}`,
      `kf=(${'a  '.repeat(10_000)}`,
      `a=${'"\\"'.repeat(10_000)}`,
      `kf=()${';a=1'.repeat(8_000)};`,
      `${'a=1, '.repeat(6_000)}`,
      `a=(${'1;a '.repeat(8_000)}`,
      `${' '.repeat(30_000)}x`,
      `a=1${' '.repeat(30_000)}x`,
      `a=1${', \t'.repeat(10_000)}`,
      `kf=(${'"a"  '.repeat(6_000)}`,
      `a=${'1'.repeat(30_000)}`,
      `a${';b'.repeat(15_000)}=`,
    ]
    const start = performance.now()
    for (const field of fields) {
      expect(() => read({ 'signature-input': field })).toThrow()
      expect(() => read({ signature: field })).toThrow()
      expect(() => read({ 'content-type': `${field}\n` })).toThrow()
    }
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it('survives any change of one character only as a fault', () => {
    fc.assert(
      fc.property(fc.nat(INPUT.length - 1), fc.constantFrom(...' "();=,:\\0aA-_\t\n'), (at, character) => {
        const input = INPUT.slice(0, at) + character + INPUT.slice(at + 1)
        let facts: ReturnType<typeof readRequestSignature>
        try {
          facts = read({ 'signature-input': input })
        } catch (error) {
          expect(error).toHaveProperty('code', expect.stringMatching(/^signature-/))
          return
        }
        // What is still read is signed as it was written.
        expect(fromUtf8(facts.base).endsWith(`"@signature-params": ${input.slice(3)}`)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})
