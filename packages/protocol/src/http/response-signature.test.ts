import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type PublicSigningJwk, thumbprint } from '../jose/jwk.ts'
import type { Signer } from '../jose/signer.ts'
import { fromUtf8, toBase64, utf8 } from '../json/base64url.ts'
import { contentDigest } from './content-digest.ts'
import {
  type ReceivedResponse,
  type RequestBinding,
  requestBinding,
  signResponse,
  verifyResponse,
} from './response-signature.ts'

const NOW = 1795521600
const BODY = utf8('{"ok":true}')

function aSigner(onBase: (base: string) => void = () => {}): Signer {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  })
  const { x, y } = publicKey.export({ format: 'jwk' }) as { x: string; y: string }
  const jwk: PublicSigningJwk = { kty: 'EC', crv: 'P-256', alg: 'ES256', x, y }
  return {
    jwk,
    id: thumbprint(jwk),
    sign: async (octets) => {
      onBase(fromUtf8(octets))
      return new Uint8Array(sign('sha256', octets, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
    },
  }
}
const server = aSigner()
const REQUEST: RequestBinding = {
  method: 'POST',
  targetUri: 'https://keys.example/v1/proofs',
  contentDigest: contentDigest(utf8('{}')),
  kfSignatureInput: '("@method");created=1',
}
const HEADERS = { 'content-digest': contentDigest(BODY), 'content-type': 'application/json', etag: '"1"' }

async function anAnswer(changes: Partial<ReceivedResponse> = {}, request = REQUEST): Promise<ReceivedResponse> {
  const signed = await signResponse(server, { status: 200, headers: HEADERS, request }, NOW)
  return { status: 200, headers: { ...HEADERS, ...signed }, content: BODY, ...changes }
}
function verify(
  answer: ReceivedResponse,
  request = REQUEST,
  now: number | null = NOW,
): ReturnType<typeof verifyResponse> {
  return verifyResponse(answer, request, (kid) => (kid === server.id ? server.jwk : null), now)
}
function withCode(code: string): Error {
  return expect.objectContaining({ code })
}

describe('the signature of an answer', () => {
  it('covers status, fields and the request, in the order of PROTOCOL 4', async () => {
    let base = ''
    const signer = aSigner((text) => {
      base = text
    })
    await signResponse(
      signer,
      { status: 201, headers: { ...HEADERS, location: '/x', 'retry-after': '60' }, request: REQUEST },
      NOW,
    )
    const names =
      '"@status" "content-digest" "content-type" "etag" "location" "retry-after" "@method";req "@target-uri";req "content-digest";req "signature-input";req;key="kf"'
    expect(base).toBe(`"@status": 201
"content-digest": ${HEADERS['content-digest']}
"content-type": application/json
"etag": "1"
"location": /x
"retry-after": 60
"@method";req: POST
"@target-uri";req: https://keys.example/v1/proofs
"content-digest";req: ${REQUEST.contentDigest}
"signature-input";req;key="kf": ("@method");created=1
"@signature-params": (${names});created=${NOW};keyid="${signer.id}";tag="kf-res-1"`)
  })

  it('says who signed, and when', async () => {
    await expect(verify(await anAnswer())).resolves.toEqual({ keyid: server.id, created: NOW })
  })

  it('holds for a request that was not signed', async () => {
    const request = { method: 'GET', targetUri: 'https://keys.example/.well-known/keyferry' }
    await expect(verify(await anAnswer({}, request), request)).resolves.toBeDefined()
    await expect(verify(await anAnswer({}, request))).rejects.toThrow(withCode('response-invalid'))
  })

  it('holds for a stream without a digest', async () => {
    const headers = { 'content-type': 'text/event-stream' }
    const signed = await signResponse(server, { status: 200, headers, request: REQUEST }, NOW)
    const stream = { status: 200, headers: { ...headers, ...signed }, content: null }
    await expect(verify(stream)).resolves.toBeDefined()
    await expect(verify({ ...stream, content: BODY })).rejects.toThrow(withCode('response-invalid'))
  })

  it.each([
    ['method', { ...REQUEST, method: 'PUT' }],
    ['target', { ...REQUEST, targetUri: 'https://keys.example/v1/other' }],
    ['content', { ...REQUEST, contentDigest: contentDigest(utf8('{ }')) }],
    ['nonce', { ...REQUEST, kfSignatureInput: '("@method");created=2' }],
  ])('is not that of a request with another %s', async (_, request) => {
    await expect(verify(await anAnswer(), request)).rejects.toThrow(withCode('response-invalid'))
  })

  it.each([
    ['another status', { status: 201 }],
    ['other content', { content: utf8('{"ok":false}') }],
    ['a stolen field', { headers: { ...HEADERS } }],
  ])('is refused with %s', async (_, changes) => {
    await expect(verify(await anAnswer(changes))).rejects.toThrow(withCode('response-invalid'))
  })

  it('is refused if a covered field is changed, gone or new', async () => {
    const answer = await anAnswer()
    const headers = answer.headers as Record<string, string>
    for (const change of [{ etag: '"2"' }, { etag: undefined }, { location: '/elsewhere' }, { 'retry-after': '1' }]) {
      await expect(verify({ ...answer, headers: { ...headers, ...change } })).rejects.toThrow(
        withCode('response-invalid'),
      )
    }
  })

  it('is refused if it leaves out or repeats a component, or its parameters are not those of an answer', async () => {
    const answer = await anAnswer()
    const headers = answer.headers as Record<string, string>
    const input = headers['signature-input'] ?? ''
    for (const other of [
      input.replace(' "etag"', ''),
      input.replace(' "etag"', ' "etag" "etag"'),
      input.replace('"@method";req', '"@method"'),
      input.replace('req;key="kf"', 'key="kf";req'),
      `${input};nonce="rlTfEhd99pz7iZdhnbXluA"`,
      `${input};expires=${NOW + 60}`,
      input.replace('kf-res-1', 'kf-req-1'),
      input.replace(/;created=\d+/, ''),
      input.replace(server.id, 'server'),
    ]) {
      await expect(verify({ ...answer, headers: { ...headers, 'signature-input': other } })).rejects.toThrow(
        withCode('response-invalid'),
      )
    }
  })

  it('is refused for the same though a trusted key signed it as it stands', async () => {
    let base = ''
    const listening: Signer = {
      ...server,
      sign(octets) {
        base = fromUtf8(octets)
        return server.sign(octets)
      },
    }
    const signed = await signResponse(listening, { status: 200, headers: HEADERS, request: REQUEST }, NOW)
    const input = signed['signature-input']
    const lines = new Map(base.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line]))
    async function signedAs(other: string): Promise<ReceivedResponse> {
      const names = other.slice('kf=('.length, other.indexOf(')')).split(' ')
      const covered = names.map((name) => lines.get(name) ?? `${name}: x`)
      const octets = utf8([...covered, `"@signature-params": ${other.slice('kf='.length)}`].join('\n'))
      const signature = `kf=:${toBase64(await server.sign(octets))}:`
      return { status: 200, headers: { ...HEADERS, 'signature-input': other, signature }, content: BODY }
    }
    await expect(verify(await signedAs(input))).resolves.toBeDefined()
    for (const other of [
      input.replace(' "etag"', ''),
      input.replace('"@status" ', ''),
      input.replace(' "@target-uri";req', ''),
      input.replace(' "etag"', ' "etag" "etag"'),
      input.replace(' "etag"', ' "etag" "location"'),
      `${input};nonce="rlTfEhd99pz7iZdhnbXluA"`,
      `${input};expires=${NOW + 60}`,
      input.replace('kf-res-1', 'kf-hook-1'),
      input.replace(/;created=\d+/, ''),
      input.replace(/;keyid="[^"]*"/, ''),
      input.replace(server.id, 'server'),
    ]) {
      const answer = verifyResponse(await signedAs(other), REQUEST, () => server.jwk, NOW)
      await expect(answer).rejects.toThrow(withCode('response-invalid'))
    }
  })

  it('is believed from a trusted key only', async () => {
    const other = aSigner()
    const signed = await signResponse(other, { status: 200, headers: HEADERS, request: REQUEST }, NOW)
    await expect(verify({ status: 200, headers: { ...HEADERS, ...signed }, content: BODY })).rejects.toThrow(
      withCode('response-invalid'),
    )
    const answer = await anAnswer()
    await expect(verifyResponse(answer, REQUEST, async () => other.jwk, NOW)).rejects.toThrow(
      withCode('response-invalid'),
    )
  })

  it('is in time within 300 s either way, and always on a device without a clock', async () => {
    const answer = await anAnswer()
    for (const now of [NOW - 300, NOW + 300, null]) await expect(verify(answer, REQUEST, now)).resolves.toBeDefined()
    for (const now of [NOW - 301, NOW + 301]) {
      await expect(verify(answer, REQUEST, now)).rejects.toThrow(withCode('response-invalid'))
    }
  })

  it('tells by how much the clock is off, of a server that is known', async () => {
    const answer = await anAnswer()
    const off = {
      code: 'response-invalid',
      details: { skewSeconds: 600 },
      message: expect.stringContaining('10 min ahead'),
    }
    await expect(verify(answer, REQUEST, NOW + 600)).rejects.toMatchObject(off)
    await expect(verify(answer, REQUEST, NOW - 86_400)).rejects.toThrow('24 h behind')
    const forged = await anAnswer({ status: 201 })
    await expect(verify({ ...forged, status: 200 }, REQUEST, NOW + 600)).rejects.toMatchObject({ details: {} })
  })

  it.each([99, 600, 200.5])('is not made over %s, which is no status', async (status) => {
    await expect(signResponse(server, { status, headers: HEADERS, request: REQUEST }, NOW)).rejects.toThrow(
      withCode('response-invalid'),
    )
  })

  it('does not make a redirect good, but "not modified" is', async () => {
    for (const [status, good] of [
      [301, false],
      [307, false],
      [304, true],
    ] as const) {
      const headers = { etag: '"1"' }
      const signed = await signResponse(server, { status, headers, request: REQUEST }, NOW)
      const outcome = verify({ status, headers: { ...headers, ...signed }, content: new Uint8Array() })
      if (good) await expect(outcome).resolves.toBeDefined()
      else await expect(outcome).rejects.toThrow(withCode('response-invalid'))
    }
  })
})

describe('what an answer says of its request', () => {
  const request = { method: 'GET', targetUri: 'https://keys.example/v1/users' }
  it.each([
    ['a signature, valid or not', '("@method");keyid="nobody"'],
    ['an empty list', '()'],
  ])('names %s', (_, member) => {
    const headers = { 'signature-input': `x=1, kf=${member}` }
    expect(requestBinding({ ...request, headers })).toEqual({ ...request, kfSignatureInput: member })
  })
  it.each(['kf=1', 'kf', 'kf=( )', 'kf=("a"', 'kf=();a=01', 'kf=(a)', 'kf=("a");a=?1', 'kf=(),'])(
    'leaves out %s',
    (field) => {
      expect(requestBinding({ ...request, headers: { 'signature-input': field } })).toEqual(request)
    },
  )
  it('leaves out a digest that nobody can sign', () => {
    expect(requestBinding({ ...request, headers: { 'content-digest': 'é' } })).toEqual(request)
    expect(requestBinding({ ...request, headers: { 'content-digest': 'x' } })).toEqual({
      ...request,
      contentDigest: 'x',
    })
  })
})
