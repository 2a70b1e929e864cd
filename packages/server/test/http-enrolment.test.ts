import {
  aDevice,
  aDeviceSet,
  aDeviceStatement,
  aPairingAnswer,
  aPairingProof,
  aUser,
  exampleSigner,
  type TestDevice,
} from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, anHttpWorld, call, type HttpWorld } from './http-world.ts'
import { aClaim, setWith } from './world.ts'

let world: HttpWorld
beforeEach(async () => {
  world = await anHttpWorld()
})
afterEach(() => world.close())

const invite = async (): Promise<{ id: string; code: string }> =>
  (await call(world, { signer: world.phone.signer, path: '/v1/enrolments', body: {} })).json

/** A new device of luis with a host agent. */
const aNewcomer = (): Promise<TestDevice> => aDevice(world.luis, { name: 'laptop', withAccess: true })

function claim(device: TestDevice, code: string, signer = device.access ?? device.signer): Promise<Answer> {
  return call(world, { signer, path: '/v1/enrolments/claim', body: aClaim(code, device) })
}

describe('a device that nobody knows yet', () => {
  it('claims, answers and becomes a device, signing with the key that its statement brings', async () => {
    const { phone } = world
    const laptop = await aNewcomer()
    const agent = laptop.access ?? laptop.signer
    const { id, code } = await invite()
    const claimed = await claim(laptop, code)
    expect([claimed.status, claimed.json]).toEqual([201, { id, username: 'luis' }])

    const path = `/v1/enrolments/${id}`
    const etag = String((await call(world, { signer: agent, path })).headers.etag)
    const waiting = call(world, { signer: agent, path, headers: { 'if-none-match': etag, prefer: 'wait=30' } })
    const before = await world.context.statements.deviceSet(
      (await world.context.read.user(world.luis.id))?.setRef as never,
    )
    const answered = await call(world, {
      signer: phone.signer,
      method: 'PUT',
      path: `${path}/answer`,
      body: aPairingAnswer(id, laptop, before),
    })
    expect([answered.status, answered.json]).toEqual([201, { state: 'answered' }])
    expect((await waiting).json.state).toBe('answered')
    const proof = { method: 'PUT', path: `${path}/proof`, body: aPairingProof(laptop) }
    expect((await call(world, { signer: agent, ...proof })).json).toEqual({ state: 'proven' })

    const set = await setWith(world.luis, before, laptop)
    const put = { method: 'PUT', path: `/v1/statements/${set.ref}`, body: set.text, type: 'application/jose' }
    expect((await call(world, { signer: phone.signer, ...put })).status).toBe(201)
    expect((await call(world, { signer: phone.signer, ...put })).status).toBe(200)
    expect((await call(world, { signer: laptop.signer, path: '/v1/proofs', body: {} })).status).toBe(200)
    const shown = await call(world, { signer: laptop.signer, path: `/v1/users/${world.luis.id}` })
    expect(shown.json.devices).toHaveLength(3)
    const text = await call(world, { signer: laptop.signer, path: `/v1/statements/${set.ref}` })
    expect([text.headers['content-type'], text.octets.toString()]).toEqual(['application/jose', set.text])
  })

  it('may do nothing else', async () => {
    const laptop = await aNewcomer()
    const { id, code } = await invite()
    const agent = laptop.access ?? laptop.signer
    expect((await call(world, { signer: agent, path: `/v1/enrolments/${id}` })).json.code).toBe('key-unknown')
    await claim(laptop, code)
    expect((await call(world, { signer: agent, path: '/v1/proofs', body: {} })).json.code).toBe('key-unknown')
    expect((await call(world, { signer: laptop.signer, path: `/v1/enrolments/${id}` })).json.code).toBe('key-unknown')
  })

  it('signs its claim with the key that its statement names', async () => {
    const laptop = await aNewcomer()
    const { code } = await invite()
    expect((await claim(laptop, code, laptop.signer)).json.code).toBe('key-unknown')
    expect((await claim(laptop, code, exampleSigner('other'))).json.code).toBe('key-unknown')
    const agent = laptop.access ?? laptop.signer
    const rubbish = await call(world, { signer: agent, path: '/v1/enrolments/claim', body: { code, statement: 'x' } })
    expect(rubbish.json.code).toBe('key-unknown')
    expect((await claim(laptop, code)).status).toBe(201)
  })

  it('does not try code after code', async () => {
    const laptop = await aNewcomer()
    const codes: string[] = []
    for (let i = 0; i < 11; i++) codes.push((await claim(laptop, '0'.repeat(26))).json.code)
    expect(codes.slice(0, 10)).toEqual(Array(10).fill('not-found'))
    expect(codes[10]).toBe('too-many-requests')
  })
})

it('enrols the first device of somebody with its set', async () => {
  const device = await aDevice(aUser('marta'))
  const { createEnrolment } = await import('../src/registry/create-enrolment.ts')
  const { code, id } = await createEnrolment(world.context, { type: 'operator' }, { username: 'marta' })
  const set = await aDeviceSet(device.user, [device])
  const body = { code, statement: device.statement.text, set: set.text }
  const claimed = await call(world, { signer: device.signer, path: '/v1/enrolments/claim', body })
  expect([claimed.status, claimed.json]).toEqual([201, { id, username: 'marta' }])
  expect((await call(world, { signer: device.signer, path: '/v1/proofs', body: {} })).status).toBe(200)
})

it('takes a statement with a new access key under a signature by that key', async () => {
  const { phone } = world
  const access = exampleSigner('luis phone access 2')
  const next = await aDeviceStatement(phone, { seq: 2, access: access.jwk })
  const put = { method: 'PUT', path: `/v1/statements/${next.ref}`, body: next.text, type: 'application/jose' }
  expect((await call(world, { signer: phone.signer, ...put })).json.code).toBe('statement-invalid')
  expect((await call(world, { signer: access, ...put })).status).toBe(201)
  expect((await call(world, { signer: access, path: '/v1/proofs', body: {} })).status).toBe(200)
  expect((await call(world, { signer: phone.access, path: '/v1/proofs', body: {} })).json.code).toBe('key-unknown')
})
