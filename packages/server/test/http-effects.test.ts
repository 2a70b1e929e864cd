import { parseId } from '@keyferry/protocol'
import { aKeyId, DAY_SECONDS, type TestDevice } from '@keyferry/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, anHttpWorld, type Call, call, type HttpWorld } from './http-world.ts'

let world: HttpWorld
beforeAll(async () => {
  world = await anHttpWorld()
})
afterAll(() => world.close())

function by(device: TestDevice, facts: Omit<Call, 'signer'>): Promise<Answer> {
  return call(world, { signer: device.signer, ...facts })
}

function keyBody(): Record<string, unknown> {
  return { class: 'shared', type: 'aes', generation: 1, sources: [world.tablet.id] }
}

describe('PUT of a thing with an ETag', () => {
  const key = () => `/v1/keys/${aKeyId(world.luis, 9)}`
  const put = (headers: Record<string, string>) =>
    by(world.phone, { method: 'PUT', path: key(), body: keyBody(), headers })

  it('needs a precondition', async () => {
    expect((await put({})).json.code).toBe('precondition-required')
    expect((await put({ 'if-none-match': '*', 'if-match': '"1"' })).json.code).toBe('malformed')
    for (const faulty of ['1', '"1" "2"', 'W/1', '"1", *']) {
      expect((await put({ 'if-match': faulty })).json.code).toBe('malformed')
    }
  })

  it('creates once, and changes what was named only', async () => {
    for (const tags of ['"1"', '*']) expect((await put({ 'if-match': tags })).json.code).toBe('precondition-failed')
    const created = await put({ 'if-none-match': '*' })
    expect([created.status, created.headers.etag]).toEqual([201, '"1"'])
    expect((await put({ 'if-none-match': '*' })).json.code).toBe('precondition-failed')
    for (const tags of ['"other"', 'W/"1"', '"2", "3"', '"a,1"', '""']) {
      expect((await put({ 'if-match': tags })).json).toMatchObject({ status: 412, code: 'precondition-failed' })
    }
    const changed = await put({ 'if-match': '"1"' })
    expect([changed.status, changed.headers.etag]).toEqual([200, '"2"'])
    expect((await by(world.phone, { path: key() })).headers.etag).toBe('"2"')
    expect((await put({ 'if-match': '"7" , "2"' })).headers.etag).toBe('"3"')
    expect((await put({ 'if-match': '*' })).headers.etag).toBe('"4"')
  })
})

describe('Idempotency-Key', () => {
  const KEY = '"0123456789abcdef"'
  const request = (headers: Record<string, string>, deadline = world.clock.now() + DAY_SECONDS) =>
    by(world.phone, {
      path: '/v1/transfers',
      body: { key: aKeyId(world.luis), generation: 1, targets: [{ device: world.phone.id }], deadline },
      headers,
    })
  beforeAll(async () => {
    const path = `/v1/keys/${aKeyId(world.luis)}`
    await by(world.phone, { method: 'PUT', path, body: keyBody(), headers: { 'if-none-match': '*' } })
  })

  it('has to be there, and a string of 16 to 64 characters', async () => {
    expect((await request({})).json.code).toBe('idempotency-key-missing')
    for (const key of ['0123456789abcdef', '"short"', `"${'x'.repeat(65)}"`, '"0123456789abcdef";a=1']) {
      expect((await request({ 'idempotency-key': key })).json.code).toBe('malformed')
    }
  })

  it('answers a repeat with the stored answer, freshly signed', async () => {
    const first = await request({ 'idempotency-key': KEY })
    expect(first.status).toBe(201)
    const again = await request({ 'idempotency-key': KEY })
    expect(again.status).toBe(201)
    expect(again.octets).toEqual(first.octets)
    expect(again.headers.signature).not.toBe(first.headers.signature)
    const list = await by(world.phone, { path: '/v1/transfers' })
    expect(list.json.items).toHaveLength(1)
  })

  it('is for one request and one signer', async () => {
    const other = await request({ 'idempotency-key': KEY }, world.clock.now() + 1000)
    expect(other.json).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
  })

  it('lets one of two at once have the effect', async () => {
    const key = '"fedcba9876543210"'
    const both = await Promise.all([request({ 'idempotency-key': key }), request({ 'idempotency-key': key })])
    const codes = both.map((answer) => answer.json.code ?? answer.status).sort()
    expect([
      [201, 'idempotency-in-progress'],
      [201, 201],
    ]).toContainEqual(codes)
    expect((await request({ 'idempotency-key': key })).status).toBe(201)
    expect((await by(world.phone, { path: '/v1/transfers' })).json.items).toHaveLength(2)
  })

  it('does not keep what failed', async () => {
    const key = '"aaaaaaaaaaaaaaaaaaaa"'
    expect((await request({ 'idempotency-key': key }, world.clock.now())).status).toBe(400)
    expect((await request({ 'idempotency-key': key })).status).toBe(201)
  })
})

describe('Prefer: wait', () => {
  let dl = ''
  beforeAll(async () => {
    const list = await by(world.phone, { path: '/v1/transfers' })
    dl = list.json.items[0].deliveries[0].dl
  })
  const get = (headers: Record<string, string>) => by(world.phone, { path: `/v1/deliveries/${dl}`, headers })

  it('answers 304 with the tag if nothing is new', async () => {
    const { headers } = await get({})
    const etag = String(headers.etag)
    const same = await get({ 'if-none-match': etag })
    expect([same.status, same.headers.etag, same.octets.length]).toEqual([304, etag, 0])
    const started = performance.now()
    expect((await get({ 'if-none-match': etag, prefer: 'wait=1' })).status).toBe(304)
    expect(performance.now() - started).toBeGreaterThan(900)
    expect((await get({ 'if-none-match': '"0"', prefer: 'wait=50' })).status).toBe(200)
    expect(world.wakeups.topics).toBe(0)
  })

  it('is answered as soon as there is something new', async () => {
    const etag = String((await get({})).headers.etag)
    const waiting = get({ 'if-none-match': etag, prefer: 'wait=30' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(world.wakeups.topics).toBe(1)
    const row = await world.context.read.delivery(parseId('dl', dl))
    if (row === null) throw new Error('no delivery')
    const cancelled = { ...row, state: 'cancelled' as const, version: row.version + 1 }
    await world.context.commit([{ kind: 'replace-delivery', row: cancelled }])
    const changed = await waiting
    expect([changed.status, changed.json.state]).toEqual([200, 'cancelled'])
    expect(changed.headers.etag).not.toBe(etag)
  })

  it('holds nothing for somebody who went away, nor when the server stops', async () => {
    const other = await anHttpWorld()
    const ask: Call = { signer: other.phone.signer, path: '/v1/inbox/poll', body: {}, headers: { prefer: 'wait=60' } }
    await call(other, { ...ask, body: { ack: await waitingIn(other, ask) }, headers: {} })
    const waiting = call(other, ask)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const closed = other.close()
    expect((await waiting).json).toEqual({ notices: {}, more: false })
    await closed
    expect(other.wakeups.topics).toBe(0)
  })
})

/** Ids of all notices in an inbox. */
async function waitingIn(other: HttpWorld, poll: Call): Promise<readonly string[]> {
  return Object.keys((await call(other, { ...poll, headers: {} })).json.notices)
}
