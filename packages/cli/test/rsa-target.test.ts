import type { webcrypto } from 'node:crypto'
import {
  type AgentEvent,
  agent,
  type KeyRecord,
  type OpenDevice,
  publishKey,
  renewOwn,
  type SoftwareDevice,
  startTransfer,
  systemTime,
} from '@keyferry/device'
import {
  type DevicePayload,
  deviceStatement,
  makeKeyId,
  namedThumbprint,
  possessionMac,
  readStatement,
  signStatement,
  type TransportKeyOffer,
  unwrapKey,
} from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { anEnrolmentWorld, type EnrolmentWorld, type Profile, pair } from './enrolment-world.ts'

const RSA = 'RSA-OAEP-256'
const NINETY_DAYS = 90 * 86_400

let world: EnrolmentWorld
beforeEach(async () => {
  world = await anEnrolmentWorld()
})
afterEach(() => world.close())

/** A software device as it is, and a token beside it that takes what is wrapped under its RSA key. */
interface RsaToken {
  readonly offer: TransportKeyOffer
  /** @param others - With the transport keys that the device makes itself. */
  beside(device: SoftwareDevice, others: boolean): SoftwareDevice
}

async function anRsaToken(alg = RSA): Promise<RsaToken> {
  const pair: webcrypto.CryptoKeyPair = await crypto.subtle.generateKey(
    { name: 'RSA-OAEP', hash: 'SHA-256', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
    true,
    ['encrypt', 'decrypt'],
  )
  const { n = '', e = '' } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  const nbf = systemTime()
  const offer = { jwk: { kty: 'RSA', n, e }, alg, nbf, exp: nbf + NINETY_DAYS, exposure: 'software' } as const
  return {
    offer,
    beside(device, others) {
      return {
        ...device,
        transportKeys: (now) => [...(others ? device.transportKeys(now) : []), offer],
        async unwrapKey(request) {
          if (request.alg !== RSA) return device.unwrapKey(request)
          const { wrapped, binding, key } = request
          const octets = await unwrapKey({ alg: RSA, pair, wrapped, binding, type: key.type })
          const held = { key: key.id, generation: key.generation, type: key.type }
          return { ...held, exposure: 'software', store: () => device.importKey(held, octets) }
        },
        async provePossession(request) {
          if (request.alg !== RSA) return device.provePossession(request)
          const { wrapped, binding, en } = request
          const challenge = await unwrapKey({ alg: RSA, pair, wrapped, binding, type: 'hmac' })
          return possessionMac(challenge, en, device.signer.id)
        },
      }
    },
  }
}

async function profileWith(token: RsaToken, others: boolean): Promise<Profile> {
  const profile = await world.profile()
  const own = profile.parts.device as SoftwareDevice
  const { nbf, exp } = token.offer
  if (others) await own.makeTransportKey({ alg: 'HPKE-7', nbf, exp })
  const device = token.beside(own, others)
  return { ...profile, parts: { ...profile.parts, device } }
}

describe('a pairing with a device that has an RSA key', () => {
  it.each([
    ['beside one of HPKE-7', true],
    ['alone', false],
  ])('%s challenges each key', async (_, others) => {
    const laptop = await world.first('luis')
    const newcomer = await profileWith(await anRsaToken(), others)
    const { added, joined } = await pair(laptop, newcomer)
    expect([added, joined]).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }])
    expect(newestOf(newcomer.parts).enc.map(({ alg }) => alg)).toEqual(others ? ['HPKE-7', RSA] : [RSA])
  })

  it('ends when the device does not hold that key', async () => {
    const laptop = await world.first('luis')
    const [token, other] = [await anRsaToken(), await anRsaToken()]
    const profile = await profileWith(token, true)
    const { provePossession } = other.beside(profile.parts.device as SoftwareDevice, false)
    const liar = { ...profile, parts: { ...profile.parts, device: { ...profile.parts.device, provePossession } } }
    const { added } = await pair(laptop, liar as Profile)
    expect(added).toMatchObject({ status: 'rejected' })
  })

  it.each([
    ['ECDH-ES+A256KW', 'a transport key for ECDH-ES+A256KW'],
    ['RSA-OAEP-1024', 'a transport key for a suite unknown to this one'],
  ])(
    'ends before its human compares anything when the key is for %s, which this device cannot test',
    async (alg, text) => {
      const laptop = await world.first('luis')
      const { added, joined, asked } = await pair(laptop, await profileWith(await anRsaToken(alg), true))
      expect(asked).toEqual([])
      expect(added).toMatchObject({ reason: { code: 'alg-not-allowed', message: expect.stringContaining(text) } })
      expect(joined).toMatchObject({ reason: { code: 'declined' } })
    },
  )
})

function newestOf({ store }: Pick<OpenDevice, 'store'>): DevicePayload {
  return readStatement(deviceStatement, store.ownStatements.newest('kf-device+jwt')?.text ?? '').payload
}

describe('a transfer to a device with an RSA key', () => {
  it('goes by RSA-OAEP-256 where it offers nothing else', async () => {
    const { laptop, phone, events, send, pass } = await bothDevices(false)
    const key = await send(new Uint8Array(190).fill(7))
    await pass()
    expect(events).toContainEqual(expect.objectContaining({ kind: 'wrapped', alg: RSA }))
    expect(events).toContainEqual(expect.objectContaining({ kind: 'installed' }))
    expect(phone.device.exportKey(key, 1)).toEqual(new Uint8Array(190).fill(7))
    expect(laptop.store.alarms.open()).toEqual([])
  })

  it('goes by HPKE-7 where it offers both', async () => {
    const { phone, events, send, pass } = await bothDevices(true)
    const key = await send(new Uint8Array(32).fill(7))
    await pass()
    expect(events).toContainEqual(expect.objectContaining({ kind: 'wrapped', alg: 'HPKE-7' }))
    expect(phone.device.exportKey(key, 1)).toEqual(new Uint8Array(32).fill(7))
  })

  it('is refused by the source when the key has more octets than the RSA key takes', async () => {
    const { events, send, pass } = await bothDevices(false)
    await send(new Uint8Array(191).fill(7))
    await pass()
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'refused', role: 'source', reason: 'key-not-exportable' }),
    )
  })

  it('is refused where the own record of the key names HPKE-7 only', async () => {
    const { events, send, pass } = await bothDevices(false)
    await send(new Uint8Array(32), ['HPKE-7'])
    await pass()
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'refused', role: 'source', reason: 'alg-not-allowed' }),
    )
  })
})

interface BothDevices {
  readonly laptop: OpenDevice
  readonly phone: OpenDevice
  readonly events: AgentEvent[]
  /** Makes a key of these octets and starts the transfer. */
  send(octets: Uint8Array, algs?: string[]): Promise<ReturnType<typeof makeKeyId>>
  /** Each agent once: the source, then the target. */
  pass(): Promise<void>
}

async function bothDevices(others: boolean): Promise<BothDevices> {
  const laptop = await world.first('luis')
  const token = await anRsaToken()
  const newcomer = await profileWith(token, others)
  await pair(laptop, newcomer)
  const opened = await world.open(newcomer)
  const phone = { ...opened, device: token.beside(opened.device, others) }
  const events: AgentEvent[] = []
  const agentOf = ({ store, device, client, now, random }: OpenDevice): ReturnType<typeof agent> =>
    agent({
      store,
      device,
      client,
      now,
      random,
      report: (event) => events.push(event),
      install: { place: async () => null },
    })
  const { user } = laptop.store.seen.state()
  return {
    laptop,
    phone,
    events,
    async send(octets, algs = [...laptop.store.rules.find().suites]) {
      const id = makeKeyId(user, laptop.random(16))
      const record: KeyRecord = {
        key: { id, class: 'shared', generation: 1, type: 'secret' },
        container: null,
        username: null,
        minExposure: { source: 'software', target: 'software' },
        mechanisms: ['public-key'],
        algs,
        auto: false,
        browsers: false,
        label: 'a secret',
        file: null,
        createdAt: laptop.now(),
      }
      laptop.device.importKey({ key: id, generation: 1, type: 'secret' }, octets)
      laptop.store.keys.put(record)
      await publishKey(laptop, record)
      await startTransfer(laptop, {
        record,
        targets: [{ device: phone.device.signer.id, username: 'luis' }],
        confirmed: true,
        deadline: laptop.now() + 3600,
      })
      return id
    },
    async pass() {
      await agentOf(laptop).once()
      await agentOf(phone).once()
    },
  }
}

describe('a device whose statement is of an earlier version', () => {
  it('says what it can wrap now with its next renewal, and makes no transport key for that', async () => {
    const laptop = await world.first('luis')
    const { store, device } = laptop
    const before = newestOf(laptop)
    expect(before.wrap.map(({ alg }) => alg)).toEqual(['HPKE-7', RSA])
    const wrap = before.wrap.slice(0, 1)
    const older = await signStatement(deviceStatement, device.signer, { ...before, seq: 2, wrap })
    store.ownStatements.put({ typ: 'kf-device+jwt', seq: 2, ref: older.ref, text: older.text, at: laptop.now() })
    expect(await renewOwn(laptop)).toEqual({ statement: true, set: false })
    const after = newestOf(laptop)
    expect(after).toMatchObject({ seq: 3, wrap: before.wrap })
    expect(after.enc.map(({ jwk }) => namedThumbprint(jwk))).toEqual(before.enc.map(({ jwk }) => namedThumbprint(jwk)))
    expect(await renewOwn(laptop)).toEqual({ statement: false, set: false })
  })
})
