import { readAcceptSignature } from '@keyferry/protocol'
import { exampleSigner, ORIGIN } from '@keyferry/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aNonce, anHttpWorld, type Call, call, type HttpWorld } from './http-world.ts'

const DELIVERY = '/v1/deliveries/dl_0kz5s8wc31gks89569erpva0kj'

let world: HttpWorld
let device: Pick<Call, 'signer'>
beforeAll(async () => {
  world = await anHttpWorld()
  device = { signer: world.phone.signer }
})
afterAll(() => world.close())

describe('a signed request', () => {
  it('is answered, signed, if the device is known', async () => {
    const answer = await call(world, { ...device, path: '/v1/proofs', body: {} })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({ validUntil: world.clock.now() + 900 })
    expect(answer.headers['content-digest']).toMatch(/^sha-256=:/)
  })

  it('counts as the proof of its device, by the key that signed', async () => {
    await call(world, { signer: world.phone.access, path: '/v1/proofs', body: {} })
    const proof = world.context.proofs.fresh(world.phone.id, world.clock.now())
    expect(proof).toEqual({ method: 'access-signature', at: world.clock.now() })
  })

  it('gets a signed configuration without being signed', async () => {
    const { status, json } = await call(world, { signer: null, path: '/.well-known/keyferry' })
    expect(status).toBe(200)
    expect(json).toMatchObject({ versions: [1], origin: ORIGIN, limits: { envelopeBytes: 49152 } })
  })
})

type Fault = readonly [string, number, string, () => Call]
const FAULTS: readonly Fault[] = [
  ['a query where none is known', 400, 'malformed', () => ({ ...device, path: `${DELIVERY}?more=1` })],
  ['no signature', 401, 'signature-missing', () => ({ signer: null, path: DELIVERY })],
  [
    'another signature',
    401,
    'signature-invalid',
    () => ({
      ...device,
      path: DELIVERY,
      afterSigning: (headers) => {
        headers.signature = `kf=:${Buffer.alloc(64, 1).toString('base64')}:`
      },
    }),
  ],
  [
    'a header that the signature does not cover',
    401,
    'signature-invalid',
    () => ({
      ...device,
      path: DELIVERY,
      afterSigning: (headers) => {
        headers.prefer = 'wait=1'
      },
    }),
  ],
  [
    'a signature that is over',
    401,
    'signature-expired',
    () => ({ ...device, path: DELIVERY, created: world.clock.now() - 1, lifetimeSeconds: 1 }),
  ],
  [
    'a signature from the future',
    401,
    'signature-expired',
    () => ({ ...device, path: DELIVERY, created: world.clock.now() + 61 }),
  ],
  [
    'a request made before the server started',
    401,
    'signature-expired',
    () => ({ ...device, path: DELIVERY, created: world.clock.now() - 5 }),
  ],
  ['a key that nobody knows', 401, 'key-unknown', () => ({ signer: exampleSigner('nobody'), path: DELIVERY })],
  [
    'content of another digest',
    400,
    'digest-mismatch',
    () => ({
      ...device,
      path: '/v1/proofs',
      body: {},
      headers: { 'content-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` },
    }),
  ],
  [
    'content without a digest',
    400,
    'digest-mismatch',
    () => ({
      ...device,
      path: '/v1/proofs',
      body: {},
      afterSigning: (headers) => {
        delete headers['content-digest']
      },
    }),
  ],
  ['no such address', 404, 'not-found', () => ({ ...device, path: '/v1/nothing' })],
  ['an address with an escape', 404, 'not-found', () => ({ ...device, path: '/v1/deliveries/dl%5F0' })],
  ['a broken escape', 404, 'not-found', () => ({ ...device, path: '/v1/deliveries/%zz' })],
  ['an id that is empty', 404, 'not-found', () => ({ ...device, path: '/v1/transfers/' })],
  ['an id that is empty, in between', 404, 'not-found', () => ({ ...device, path: '/v1/deliveries//decisions' })],
  ['no such delivery', 404, 'not-found', () => ({ ...device, path: DELIVERY })],
  ['an id that is none', 400, 'id-invalid', () => ({ ...device, path: '/v1/deliveries/dl_1' })],
  ['another method', 405, 'method-not-allowed', () => ({ ...device, method: 'DELETE', path: DELIVERY })],
  ['another method, not signed', 401, 'signature-missing', () => ({ signer: null, method: 'DELETE', path: DELIVERY })],
  ['too much content', 413, 'too-large', () => ({ ...device, path: '/v1/proofs', body: { code: 'x'.repeat(70_000) } })],
  [
    'too much content, not signed',
    413,
    'too-large',
    () => ({ signer: null, path: '/v1/proofs', body: 'x'.repeat(70_000) }),
  ],
  [
    'another media type',
    415,
    'unsupported-media',
    () => ({ ...device, path: '/v1/proofs', body: '{}', type: 'text/plain' }),
  ],
  [
    'no media type that one could read',
    415,
    'unsupported-media',
    () => ({ ...device, path: '/v1/proofs', body: '{}', type: 'json' }),
  ],
  [
    'a content coding',
    415,
    'unsupported-media',
    () => ({ ...device, path: '/v1/proofs', body: '{}', headers: { 'content-encoding': 'gzip' } }),
  ],
  ['JSON that is not strict', 400, 'malformed', () => ({ ...device, path: '/v1/proofs', body: '{"a":1.0}' })],
  ['a member that nobody knows', 400, 'malformed', () => ({ ...device, path: '/v1/proofs', body: { more: 1 } })],
  ['no body where one belongs', 415, 'unsupported-media', () => ({ ...device, method: 'POST', path: '/v1/proofs' })],
  ['a query that is not as it should be', 400, 'malformed', () => ({ ...device, path: '/v1/deliveries?role=other' })],
  [
    'a faulty body for a delivery that is not theirs',
    404,
    'not-found',
    () => ({ ...device, path: `${DELIVERY}/refusal`, body: '{' }),
  ],
  [
    'another media type for a delivery that is not theirs',
    404,
    'not-found',
    () => ({ ...device, path: `${DELIVERY}/refusal`, body: '{}', type: 'text/plain' }),
  ],
  [
    'an access key where only the device may ask',
    403,
    'access-denied',
    () => ({ signer: world.phone.access, path: '/v1/transfers' }),
  ],
]

describe('a faulty request gets its problem, signed:', () => {
  it.each(FAULTS)('%s', async (_name, status, code, make) => {
    const answer = await call(world, make())
    expect(answer.json).toMatchObject({ status, code, type: `${ORIGIN}/problems/${code}` })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json')
  })

  it('says how much is taken, and which methods there are', async () => {
    const big = await call(world, { ...device, path: '/v1/proofs', body: 'x'.repeat(70_000) })
    expect(big.json.max).toBe(65_536)
    expect((await call(world, { ...device, method: 'PUT', path: DELIVERY })).headers.allow).toBe('GET')
  })

  it('repeats no input', async () => {
    const { octets } = await call(world, { ...device, path: '/v1/proofs', body: { hunter2: 'hunter2' } })
    expect(octets.toString()).not.toContain('hunter2')
  })

  it('is not answered twice', async () => {
    const once = { ...device, path: '/v1/proofs', body: {}, nonce: aNonce() }
    expect((await call(world, once)).status).toBe(200)
    expect((await call(world, once)).json.code).toBe('nonce-replayed')
    expect((await call(world, { ...once, signer: world.phone.access })).status).toBe(200)
  })

  it('does not let others burn a nonce', async () => {
    const nonce = aNonce()
    const forged: Call = {
      ...device,
      path: '/v1/proofs',
      body: {},
      nonce,
      afterSigning: (headers) => {
        headers.signature = `kf=:${Buffer.alloc(64, 1).toString('base64')}:`
      },
    }
    expect((await call(world, forged)).json.code).toBe('signature-invalid')
    expect((await call(world, { ...device, path: '/v1/proofs', body: {}, nonce })).status).toBe(200)
  })

  it('says 500 and nothing else where nobody foresaw it', async () => {
    const broken = await anHttpWorld({
      context: {
        access: { policyHash: 'x', decide: () => Promise.reject(new Error('secret')) },
      },
    })
    try {
      const read = broken.context.read as { delivery: unknown }
      read.delivery = async () => {
        throw new TypeError('secret')
      }
      const answer = await call(broken, { signer: broken.phone.signer, path: DELIVERY })
      expect(answer.json).toEqual({ type: 'about:blank', title: 'Internal Server Error', status: 500 })
      expect(broken.logged).toEqual([{ event: 'request-failed', error: expect.any(TypeError) }])
    } finally {
      await broken.close()
    }
  })
})

describe('who may not ask', () => {
  it('is a device that was suspended or revoked', async () => {
    const other = await anHttpWorld()
    try {
      const ask: Call = { signer: other.phone.signer, path: '/v1/proofs', body: {} }
      const row = await other.context.read.device(other.phone.id)
      if (row === null) throw new Error('no device')
      const suspended = { ...row, suspended: { reason: 'lost', at: 1 }, version: row.version + 1 }
      await other.context.commit([{ kind: 'replace-device', row: suspended }])
      expect((await call(other, ask)).json).toMatchObject({ status: 403, code: 'device-suspended' })
      const revoked = { ...suspended, state: 'revoked' as const, version: suspended.version + 1 }
      await other.context.commit([{ kind: 'replace-device', row: revoked }])
      expect((await call(other, ask)).json).toMatchObject({ status: 403, code: 'device-revoked' })
    } finally {
      await other.close()
    }
  })

  it('is an address that sends too much unsigned, until it is quiet for a while', async () => {
    const other = await anHttpWorld({ unsignedPerMinute: 2 })
    try {
      const unsigned: Call = { signer: null, path: DELIVERY }
      const statuses: number[] = []
      for (let i = 0; i < 4; i++) statuses.push((await call(other, unsigned)).status)
      expect(statuses).toEqual([401, 401, 429, 429])
      expect(Number((await call(other, unsigned)).headers['retry-after'])).toBeGreaterThan(0)
      expect((await call(other, { signer: other.phone.signer, path: '/v1/proofs', body: {} })).status).toBe(200)
    } finally {
      await other.close()
    }
  })
})

it('counts whom the proxy names, not whom its client names', async () => {
  const other = await anHttpWorld({ unsignedPerMinute: 2 })
  try {
    const via = (client: string, told: string): Promise<Answer> =>
      call(other, { signer: null, path: DELIVERY, headers: { 'x-forwarded-for': `${told}, ${client}` } })
    const statuses: number[] = []
    for (let i = 0; i < 3; i++) statuses.push((await via('192.0.2.1', `198.51.100.${i}`)).status)
    statuses.push((await via('192.0.2.2', '198.51.100.1')).status)
    expect(statuses).toEqual([401, 401, 429, 401])
  } finally {
    await other.close()
  }
})

describe('a device without a clock', () => {
  it('signs with the nonce that the server gave it, once', async () => {
    const refused = await call(world, { ...device, path: '/v1/proofs', body: {}, created: 1000 })
    expect(refused.json.code).toBe('signature-expired')
    const nonce = readAcceptSignature(String(refused.headers['accept-signature']))
    const ask: Call = { ...device, path: '/v1/proofs', body: {}, created: 1000, nonce }
    expect((await call(world, ask)).status).toBe(200)
    expect((await call(world, ask)).json.code).toBe('nonce-replayed')
    // Nor may another key use it.
    expect((await call(world, { ...ask, signer: world.phone.access })).json.code).toBe('nonce-replayed')
  })

  it('gets a nonce without signing at all', async () => {
    const refused = await call(world, { signer: null, path: '/v1/proofs', body: {} })
    expect(readAcceptSignature(String(refused.headers['accept-signature']))).toMatch(/^[\w-]{43}$/)
  })
})

it('keeps its schemas at /openapi.json', async () => {
  const { status, json } = await call(world, { signer: null, path: '/openapi.json', unsignedAnswer: true })
  expect(status).toBe(200)
  expect(json.openapi).toBe('3.1.0')
  expect(Object.keys(json.paths)).toContain('/v1/deliveries/{dl}/envelopes/{attempt}')
  expect(json.paths['/v1/transfers'].post.requestBody).toBeDefined()
})
