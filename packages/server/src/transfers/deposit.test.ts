import { generateKeyPairSync } from 'node:crypto'
import {
  type OrderPayload,
  readEnvelope,
  type TransportKeyInfo,
  thumbprint,
  toBase64url,
  utf8,
} from '@keyferry/protocol'
import {
  aDeviceStatement,
  aGrant,
  DAY_SECONDS,
  type EnvelopeOptions,
  exampleSigner,
  exampleTransportKey,
} from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aDeliveryIn,
  anEnvelope,
  aTransferWorld,
  expectRefused,
  orderFor,
  putKey,
  rowOf,
  type TransferWorld,
  visit,
} from '../../test/transfer-world.ts'
import { asDevice } from '../../test/world.ts'
import { putStatement } from '../registry/put-statement.ts'
import type { DeliveryRow } from '../store/rows.ts'
import { cancel } from './cancel.ts'
import { deposit } from './deposit.ts'
import { putOrder } from './put-order.ts'
import { transportKeyInfo } from './transport-key-info.ts'

let world: TransferWorld
let delivery: DeliveryRow
let info: TransportKeyInfo
beforeEach(async () => {
  world = await aTransferWorld()
  delivery = await aDeliveryIn(world, 'admitted')
  info = await transportKeyInfo(world.context, await visit(world, world.phone), delivery.dl, 0)
})

const ID = 'A'.repeat(43)
const STRANGER = exampleSigner('a stranger')
const put = async (octets: Uint8Array, attempt = 1) =>
  deposit(world.context, await asDevice(world, world.phone), delivery.dl, attempt, octets)
const putMade = async (options: EnvelopeOptions) => put((await anEnvelope(world, info, options)).octets)

/** What D2 to D6 refuse leaves no trace, and the right envelope is taken after it. */
async function refusesBy(check: string, task: Promise<unknown>): Promise<void> {
  const before = await rowOf(world, delivery)
  const size = world.context.log.size
  await expectRefused(task, 'envelope-invalid', { check })
  expect(await rowOf(world, delivery)).toEqual(before)
  expect(world.context.log.size).toBe(size)
  expect(await world.context.read.sealedEnvelope(delivery.dl, 1)).toBeNull()
}

describe('D1', () => {
  it('takes an envelope of the current attempt, in `admitted`, and no larger than said', async () => {
    await expectRefused(put(new Uint8Array(49_153)), 'too-large', { max: 49_152 })
    const { octets } = await anEnvelope(world, info)
    await expectRefused(put(octets, 2), 'state-conflict', { state: 'admitted' })
    expect(await put(octets)).toMatchObject({ envelope: readEnvelope(octets).ref, state: 'deposited', created: true })
  })

  it('answers the same octets again with the same, and others with a conflict', async () => {
    const { octets } = await anEnvelope(world, info)
    await put(octets)
    const size = world.context.log.size
    expect(await put(octets)).toMatchObject({ state: 'deposited', created: false })
    await expectRefused(putMade({}), 'envelope-exists', { state: 'deposited' })
    expect(world.context.log.size).toBe(size)
    await cancel(world.context, await asDevice(world, world.phone), delivery.dl, {})
    await expectRefused(putMade({}), 'delivery-closed', { state: 'cancelled' })
    expect(await put(octets)).toMatchObject({ state: 'cancelled', created: false })
  })

  it('is closed where the key was withdrawn, and this delivery not found by that', async () => {
    const { octets } = await anEnvelope(world, info)
    await putKey(world, { withdrawn: true })
    await expectRefused(put(octets), 'delivery-closed', { state: 'withdrawn', reason: 'key-withdrawn' })
    expect(await rowOf(world, delivery)).toMatchObject({ state: 'withdrawn', envelopeRef: null })
  })

  it('is also done by the host agent of the source', async () => {
    const { octets } = await anEnvelope(world, info)
    const agent = await asDevice(world, world.phone, 'access-signature')
    expect(await deposit(world.context, agent, delivery.dl, 1, octets)).toMatchObject({ created: true })
  })

  it('stores nothing that shows the octets', async () => {
    const { octets } = await anEnvelope(world, info)
    await put(octets)
    const row = await world.context.read.sealedEnvelope(delivery.dl, 1)
    expect(row?.key).toHaveLength(32)
    expect(row?.sealed).toHaveLength(12 + octets.length + 16)
    expect(Buffer.from(row?.sealed ?? []).includes('"payload"')).toBe(false)
  })
})

describe('D2', () => {
  it('refuses what is no envelope', async () => {
    const { octets } = await anEnvelope(world, info)
    await refusesBy('envelope-malformed', put(utf8('{}')))
    await refusesBy('envelope-malformed', put(utf8(`${new TextDecoder().decode(octets)} x`)))
    await refusesBy('envelope-malformed', put(utf8(new TextDecoder().decode(octets).replace('{', '{"header":{},'))))
  })

  it('refuses what the source did not sign', async () => {
    await refusesBy('signature-invalid', putMade({ signer: world.tablet.signer }))
    await refusesBy('signature-invalid', putMade({ signer: { ...STRANGER, id: world.phone.id } }))
    await refusesBy('signature-invalid', putMade({ signer: { ...world.phone.signer, id: STRANGER.id } }))
  })
})

describe('D3', () => {
  const order = (members: Partial<OrderPayload>) => putMade({ order: members })

  it('refuses an order that nobody who may order signed', async () => {
    await refusesBy('order-invalid', putMade({ orderer: world.tablet.signer }))
    await refusesBy('order-invalid', putMade({ orderer: { ...STRANGER, id: world.phone.id } }))
    await refusesBy('order-invalid', putMade({ orderer: STRANGER, order: { iss: world.phone.id } }))
    await refusesBy('order-invalid', order({ grant: ID as OrderPayload['grant'] as never }))
    await refusesBy('order-invalid', order({ iat: world.clock.now() + 61 }))
  })

  it('refuses one that has expired, or lives too long', async () => {
    await refusesBy('order-expired', order({ iat: world.clock.now() - 100, exp: world.clock.now() }))
    await refusesBy('order-invalid', order({ iat: world.clock.now() - 91 * DAY_SECONDS }))
  })

  it.each([
    ['tr', { tr: 'tr_2ck0frzqa7em6qn7679ps32h78' }],
    ['dl', { dl: 'dl_0kz5s8wc31gks89569erpva0kj' }],
    ['attempt', { attempt: 2 }],
    ['dst', { dst: ID }],
    ['dstUser', { dstUser: ID }],
    ['container', { container: 'ct_0kz5s8wc31gks89569erpva0kj' }],
    ['nonce', { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['redelivery', { redelivery: true }],
  ])('refuses one with another %s', async (_, members) => {
    await refusesBy('order-mismatch', order(members as Partial<OrderPayload>))
  })

  it('refuses one for another key or generation, or beyond the deadline', async () => {
    await refusesBy('order-mismatch', order({ key: { ...info.key, generation: 2 } }))
    await refusesBy('order-mismatch', order({ key: { ...info.key, type: 'aes' } }))
    await refusesBy('order-mismatch', order({ exp: info.deadline + 1 }))
    await refusesBy('order-invalid', order({ src: ID as never }))
  })

  it('refuses another order than the one that was put', async () => {
    const caller = await asDevice(world, world.phone)
    const first = await orderFor(world, info)
    await putOrder(world.context, caller, delivery.dl, 1, first.text)
    await refusesBy('order-mismatch', order({ exp: info.deadline - 1 }))
    expect(await putMade({ orderText: first })).toMatchObject({ state: 'deposited' })
  })
})

describe('D4', () => {
  it('refuses a suite that the two have not in common', async () => {
    await refusesBy('alg-not-allowed', putMade({ order: { alg: 'HPKE-9' } }))
  })

  it('refuses a transport key that the target does not offer now', async () => {
    const kid = exampleTransportKey('nobody').kid
    await refusesBy('transport-key-unknown', putMade({ order: { kid } }))
    const newer = exampleTransportKey('marta phone enc 2')
    const { jwk, alg, nbf, exp, exposure } = { ...world.martas.statement.payload.enc[0], jwk: newer.jwk } as never
    const statement = await aDeviceStatement(
      world.martas,
      { seq: 2, enc: [{ jwk, alg, nbf, exp, exposure }] },
      world.clock.now(),
    )
    await putStatement(world.context, await asDevice(world, world.martas), statement.ref, statement.text)
    await refusesBy('transport-key-unknown', putMade({}))
  })

  it('refuses a key of a blob suite that takes the keys of another owner', async () => {
    // A suite is known by its name here; the key under it may be any.
    world = await aTransferWorld({ context: { suites: ['HPKE-7', 'RSA-OAEP-256'] } })
    delivery = await aDeliveryIn(world, 'admitted')
    const { phone, martas } = world
    const rsa = exampleTransportKey('marta phone blob').jwk
    const at = world.clock.now()
    const [offer] = martas.statement.payload.enc
    const blob = { jwk: rsa, alg: 'RSA-OAEP-256', nbf: at, exp: at + DAY_SECONDS, exposure: 'software' as const }
    const theirs = await aDeviceStatement(martas, { seq: 2, enc: [offer as never, blob] }, at)
    await putStatement(world.context, await asDevice(world, martas), theirs.ref, theirs.text)
    const wrap = [...phone.statement.payload.wrap, { alg: 'RSA-OAEP-256', exposure: 'software' as const }]
    const ours = await aDeviceStatement(phone, { seq: 2, wrap }, at)
    await putStatement(world.context, await asDevice(world, phone), ours.ref, ours.text)
    info = await transportKeyInfo(world.context, await visit(world, phone), delivery.dl, 0)
    expect(info.options).toEqual([{ alg: 'HPKE-7', kid: martas.transport.kid }])
    const order = { alg: 'RSA-OAEP-256', kid: thumbprint(rsa as never) }
    await refusesBy('transport-key-foreign', putMade({ order }))
  })
})

describe('D5', () => {
  it.each([
    ['order', { order: ID }],
    ['dst', { dst: ID }],
    ['attempt', { attempt: 2 }],
    ['kid', { kid: ID }],
    ['srcSet', { srcSet: ID }],
    ['dstSet', { dstSet: ID }],
    ['dstStatement', { dstStatement: ID }],
    ['a checkpoint of another log', { checkpoint: { size: 2, root: ID } }],
    ['an empty log', { checkpoint: { size: 0, root: '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU' } }],
    ['a checkpoint ahead', { checkpoint: { size: 1_000_000, root: ID } }],
    ['a member too many', { more: 1 }],
  ])('refuses a KTI with another %s', async (_, kti) => {
    await refusesBy('binding-mismatch', putMade({ kti: kti as EnvelopeOptions['kti'] & object }))
  })

  it('refuses a KTI out of time, or of the statements of somebody else', async () => {
    const now = world.clock.now()
    await refusesBy('binding-mismatch', putMade({ kti: { iat: now + 61 } }))
    await refusesBy('binding-mismatch', putMade({ kti: { iat: now - 61 } }))
    await refusesBy('binding-mismatch', putMade({ kti: { exp: info.deadline + 1 } }))
    await refusesBy('binding-mismatch', putMade({ kti: { exp: now } }))
    await refusesBy('binding-mismatch', putMade({ kti: { dstSet: info.source.set } }))
    await refusesBy('binding-mismatch', putMade({ kti: { dstStatement: info.source.statement } }))
  })

  it('refuses a KTI that relies on what is no statement of the target', async () => {
    const { luis, phone, tablet } = world
    delivery = await aDeliveryIn(world, 'admitted', { targets: [{ device: tablet.id }] })
    info = await transportKeyInfo(world.context, await visit(world, phone), delivery.dl, 0)
    await refusesBy('binding-mismatch', putMade({ kti: { dstStatement: phone.statement.ref } }))
    // Filed like a statement of the tablet: it is of luis, and about the tablet's key.
    const grant = await aGrant(luis, tablet.signer)
    await putStatement(world.context, await asDevice(world, phone), grant.ref, grant.text)
    await refusesBy('binding-mismatch', putMade({ kti: { dstStatement: grant.ref } }))
    expect(await putMade({})).toMatchObject({ created: true })
  })

  it('refuses less exposure than the order asks for', async () => {
    const minExposure = { source: 'in-device', target: 'software' } as const
    await refusesBy('binding-mismatch', putMade({ order: { minExposure }, kti: { exposure: 'host-transient' } }))
    expect(await putMade({ order: { minExposure }, kti: { exposure: 'in-device' } })).toMatchObject({ created: true })
  })
})

describe('D6', () => {
  it('refuses a wrapped key of another form, suite or length', async () => {
    const { kid } = world.martas.transport
    await refusesBy('envelope-malformed', putMade({ wrapped: () => ({ alg: 'HPKE-7', kid, blob: 'AAAA' }) }))
    await refusesBy('envelope-malformed', putMade({ wrapped: (jwe) => ({ ...jwe, encrypted_key: 'AAAA' }) as never }))
    const header = Buffer.from(JSON.stringify({ alg: 'HPKE-7', kid: ID, typ: 'kf-key+jwe' })).toString('base64url')
    await refusesBy('binding-mismatch', putMade({ wrapped: (jwe) => ({ ...jwe, protected: header }) as never }))
  })

  it('takes a blob for an RSA key that takes keys of this owner, if it is as long as the modulus', async () => {
    world = await aTransferWorld({ context: { suites: ['HPKE-7', 'RSA-OAEP-256'] } })
    delivery = await aDeliveryIn(world, 'admitted')
    const { phone, martas, luis } = world
    const at = world.clock.now()
    const { n = '', e = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    const jwk = { kty: 'RSA', n, e } as const
    const life = { nbf: at, exp: at + DAY_SECONDS, exposure: 'software', owner: luis.id } as const
    const enc = [...martas.statement.payload.enc, { jwk, alg: 'RSA-OAEP-256', ...life }]
    const theirs = await aDeviceStatement(martas, { seq: 2, enc }, at)
    await putStatement(world.context, await asDevice(world, martas), theirs.ref, theirs.text)
    const wrap = [...phone.statement.payload.wrap, { alg: 'RSA-OAEP-256', exposure: 'software' as const }]
    const ours = await aDeviceStatement(phone, { seq: 2, wrap }, at)
    await putStatement(world.context, await asDevice(world, phone), ours.ref, ours.text)
    info = await transportKeyInfo(world.context, await visit(world, phone), delivery.dl, 0)
    const option = { alg: 'RSA-OAEP-256', kid: thumbprint(jwk) }
    expect(info.options).toEqual([{ alg: 'HPKE-7', kid: martas.transport.kid }, option])
    const blobOf = (octets: number) =>
      putMade({ order: option, wrapped: () => ({ ...option, blob: toBase64url(new Uint8Array(octets)) }) })
    for (const octets of [255, 257, 384]) await refusesBy('envelope-malformed', blobOf(octets))
    await refusesBy('envelope-malformed', putMade({ order: option }))
    expect(await blobOf(256)).toMatchObject({ created: true })
  })
})

it('keeps the order in the way that evidence finds it', async () => {
  const { octets, order } = await anEnvelope(world, info)
  await put(octets)
  const row = await world.context.read.statement(order.ref)
  expect(row).toMatchObject({ user: world.luis.id, subject: delivery.dl, seq: 1, text: order.text })
  expect(await world.context.read.leafIndex(order.ref)).not.toBeNull()
})
