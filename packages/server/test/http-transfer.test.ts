import { type DeliveryId, readEnvelope, readTransportKeyInfo, type TransportKeyInfo, utf8 } from '@keyferry/protocol'
import { aKeyId, anEnvelopeFor, aReceipt, aUser, DAY_SECONDS, type TestDevice } from '@keyferry/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Answer, anHttpWorld, type Call, call, type HttpWorld } from './http-world.ts'

let world: HttpWorld
beforeEach(async () => {
  world = await anHttpWorld()
})
afterEach(() => world.close())

const by = (device: TestDevice, facts: Omit<Call, 'signer'>): Promise<Answer> =>
  call(world, { signer: device.signer, ...facts })

/** The phone has a key and asks for its transfer to the tablet: the phone is there, so the delivery is admitted. */
async function aRequestedTransfer(state = 'admitted'): Promise<{ dl: DeliveryId; tr: string }> {
  const { phone, tablet, luis } = world
  const key = aKeyId(luis)
  await by(phone, {
    method: 'PUT',
    path: `/v1/keys/${key}`,
    body: { class: 'shared', type: 'aes', generation: 1, sources: [phone.id] },
    headers: { 'if-none-match': '*' },
  })
  const { json } = await by(phone, {
    path: '/v1/transfers',
    body: { key, generation: 1, targets: [{ device: tablet.id }], deadline: world.clock.now() + DAY_SECONDS },
    headers: { 'idempotency-key': '"0123456789abcdef"' },
  })
  expect(json.deliveries).toHaveLength(1)
  expect(json.deliveries[0]).toMatchObject({ state, source: phone.id, target: tablet.id })
  return { dl: json.deliveries[0].dl, tr: json.tr }
}

async function anEnvelope(info: TransportKeyInfo): Promise<Uint8Array> {
  const { phone, tablet } = world
  const at = world.clock.now()
  // A source may let its order end before the deadline of the delivery.
  const order = { exp: at + 1000 }
  return (await anEnvelopeFor({ source: phone, target: tablet }, info, { at, order })).octets
}

it('carries a key from one device to another, step by step', async () => {
  const { phone, tablet } = world
  const { dl, tr } = await aRequestedTransfer()
  const base = `/v1/deliveries/${dl}`

  const info = readTransportKeyInfo((await by(phone, { path: `${base}/transport-key-info?since=0` })).octets)
  const envelope = await anEnvelope(info)
  const put: Omit<Call, 'signer'> = {
    method: 'PUT',
    path: `${base}/envelopes/1`,
    body: envelope,
    type: 'application/jose+json',
  }
  const deposited = await by(phone, put)
  expect(deposited.json).toEqual({ envelope: readEnvelope(envelope).ref, state: 'deposited' })
  expect(deposited.status).toBe(201)
  expect((await by(phone, put)).status).toBe(200)

  // The next signed request of the tablet is its proof: the decision is made before it is answered.
  const { notices } = (await by(tablet, { path: '/v1/inbox/poll', body: {} })).json
  const types = await Promise.all(
    Object.keys(notices).map(async (nt) => (await by(tablet, { path: `/v1/notices/${nt}` })).json.type),
  )
  expect(types).toContain('keyferry.target-available.v1')
  expect((await by(tablet, { path: base })).json.state).toBe('released')

  const answer = await by(tablet, { path: `${base}/key-transfer-info?since=0` })
  expect(answer.json.envelope).toBe(readEnvelope(envelope).ref)
  const collected = await by(tablet, { path: `${base}/collections`, body: {} })
  expect(collected.octets).toEqual(Buffer.from(envelope))
  expect(collected.headers['content-type']).toBe('application/jose+json')
  expect(collected.headers['cache-control']).toBe('no-store')

  const { ref: order } = readEnvelope(envelope).order
  const checkpoint = readEnvelope(envelope).kti.checkpoint
  const receipt = await aReceipt(
    tablet,
    {
      tr: info.tr,
      dl,
      attempt: 1,
      order,
      envelope: readEnvelope(envelope).ref,
      key: { id: info.key.id, generation: 1 },
      checkpoint,
    },
    world.clock.now(),
  )
  const sent: Omit<Call, 'signer'> = {
    method: 'PUT',
    path: `${base}/receipts/1`,
    body: receipt.text,
    type: 'application/jose',
  }
  const acknowledged = await by(tablet, sent)
  expect([acknowledged.status, acknowledged.json]).toMatchObject([201, { ref: receipt.ref, state: 'completed' }])
  expect((await by(tablet, sent)).status).toBe(200)

  expect((await by(phone, { path: `${base}/receipts/1` })).octets.toString()).toBe(receipt.text)
  expect((await by(phone, { path: `/v1/statements/${receipt.ref}` })).octets.toString()).toBe(receipt.text)
  expect((await by(phone, { path: `/v1/transfers/${tr}` })).json.state).toBe('completed')
  expect((await by(phone, { path: `${base}/evidence` })).json.proofs).toHaveProperty(receipt.ref)
  expect((await by(phone, { path: `${base}/decisions` })).json.items.length).toBeGreaterThan(1)
  expect((await by(tablet, { path: `${base}/collections`, body: {} })).json.code).toBe('delivery-closed')
})

it('refuses an envelope that does not fit, and takes another one', async () => {
  const { phone } = world
  const { dl } = await aRequestedTransfer()
  const path = `/v1/deliveries/${dl}`
  const info = readTransportKeyInfo((await by(phone, { path: `${path}/transport-key-info?since=0` })).octets)
  const envelope = await anEnvelope(info)
  const put = (body: Uint8Array): Promise<Answer> =>
    by(phone, { method: 'PUT', path: `${path}/envelopes/1`, body, type: 'application/jose+json' })
  expect((await put(utf8('{}'))).json).toMatchObject({ code: 'envelope-invalid', check: 'envelope-malformed' })
  expect((await put(new Uint8Array(50_000))).json).toMatchObject({ code: 'too-large', max: 49_152 })
  expect((await put(envelope)).status).toBe(201)
})

it('lets the requester stop a delivery, try again, and the source refuse', async () => {
  const { phone, tablet } = world
  const { dl } = await aRequestedTransfer()
  const path = `/v1/deliveries/${dl}`
  expect((await by(phone, { path: `${path}/cancellation`, body: {} })).json.state).toBe('cancelled')
  const retry: Omit<Call, 'signer'> = {
    path: `${path}/retry`,
    body: { deadline: world.clock.now() + DAY_SECONDS },
    headers: { 'idempotency-key': '"retry-retry-retry-1"' },
  }
  const again = await by(phone, retry)
  expect(again.json).toMatchObject({ attempt: 2, state: 'admitted' })
  expect((await by(phone, retry)).octets).toEqual(again.octets)
  expect((await by(tablet, { path: `${path}/refusal`, body: { reason: 'declined' } })).json.code).toBe('not-found')
  const refused = await by(phone, { path: `${path}/refusal`, body: { reason: 'declined' } })
  expect(refused.json).toMatchObject({ state: 'refused', stage: 'source', reason: 'declined' })
  const list = await by(phone, { path: '/v1/deliveries?role=source&state=refused,completed&limit=5' })
  expect(list.json.items).toHaveLength(1)
})

it('takes the yes of whom policy asks for', async () => {
  await world.close()
  world = await anHttpWorld({
    context: {
      access: {
        policyHash: 'A'.repeat(43),
        decide: async ({ context }) => ({
          decision: true,
          policy: 'A'.repeat(43),
          ...(context.stage === 'ac1'
            ? { context: { reason: 'test/asking', approvals: { count: 1, from: [aUser('luis').id] } } }
            : {}),
        }),
      },
    },
  })
  const { phone, tablet } = world
  const { dl } = await aRequestedTransfer('requested')
  const { json } = await by(tablet, { path: '/v1/inbox/poll', body: {} })
  const [nt] = Object.keys(json.notices).slice(-1)
  expect((await by(tablet, { path: `/v1/notices/${nt}` })).json).toMatchObject({
    type: 'keyferry.approval-requested.v1',
    delivery: dl,
  })
  const path = `/v1/deliveries/${dl}/approvals`
  const yes = { stage: 'ac1', decision: 'permit' }
  const agent = await call(world, { signer: phone.access, path, body: yes })
  expect(agent.json).toMatchObject({ code: 'access-denied', reason: 'access-key' })
  expect((await by(tablet, { path, body: { ...yes, code: '123456' } })).json.code).toBe('malformed')
  const approved = await by(tablet, { path, body: yes })
  expect([approved.status, approved.json.state]).toEqual([200, 'admitted'])
})
