import { createSecretKey, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  asTransportJwk,
  type KeyferryError,
  makeKeyId,
  namedThumbprint,
  type OrderKey,
  parseId,
  readJws,
  signJws,
  type TransportJwk,
  type TransportKeyOffer,
  utf8,
  verifyJws,
  type WrappedKey,
} from '@keyferry/protocol'
import { aUser, DAY_SECONDS, NOW } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DeviceStore } from '../../store/device-store.ts'
import { memoryDeviceStore, openDeviceStore } from '../../store/sqlite/open-device-store.ts'
import {
  exportsKeys,
  holdsRoot,
  importsKeys,
  isInstalling,
  isTransactional,
  makesTransportKeys,
} from '../secure-device.ts'
import { makeSoftwareDevice, openSoftwareDevice, type SoftwareDevice } from './software-device.ts'

const KEY = makeKeyId(aUser('marta').id, new Uint8Array(16))
const OTHER = makeKeyId(aUser('marta').id, new Uint8Array(16).fill(1))
const DL = parseId('dl', 'dl_0kz5s8wc31gks89569erpva0kj')
const BINDING = utf8('{"v":1}')
const SECRET = utf8('a secret of thirty-two octets !!')
const ORDER_KEY: OrderKey = { id: KEY, class: 'shared', generation: 1, type: 'secret' }
const withCode = (code: KeyferryError['code']): unknown => expect.objectContaining({ code })
const aMaster = (): ReturnType<typeof createSecretKey> => createSecretKey(randomBytes(32))

let store: DeviceStore
let master: ReturnType<typeof aMaster>
let device: SoftwareDevice
beforeEach(() => {
  store = memoryDeviceStore()
  master = aMaster()
  device = makeSoftwareDevice(store, master)
})

const LIFE = { alg: 'HPKE-7', nbf: NOW, exp: NOW + 90 * DAY_SECONDS }

function recipient(offer: TransportKeyOffer): TransportJwk {
  const jwk = asTransportJwk(offer.jwk)
  if (jwk === null) throw new Error('we made it')
  return jwk
}

/** A second device wraps for the first. */
async function wrappedFor(offer: TransportKeyOffer, octets: Uint8Array = SECRET): Promise<WrappedKey> {
  const source = makeSoftwareDevice(memoryDeviceStore(), aMaster())
  source.importKey({ key: KEY, generation: 1, type: 'secret' }, octets)
  const kid = namedThumbprint(offer.jwk)
  return source.wrapKey({ key: KEY, generation: 1, alg: offer.alg, recipient: recipient(offer), kid, binding: BINDING })
}

describe('a software device', () => {
  it('signs with a key that stays the same when opened again', async () => {
    const again = openSoftwareDevice(store, master)
    expect(again.signer.id).toBe(device.signer.id)
    const parts = await signJws(again.signer, 'kf-order+jwt', utf8('{}'))
    expect(parts.signature).toHaveLength(86)
    expect(await verifyJws(readJws(parts, 'kf-order+jwt', 'order-invalid'), device.signer.jwk)).toBe(true)
  })

  it('has one device key', () => {
    expect(() => makeSoftwareDevice(store, master)).toThrow(withCode('state-conflict'))
    expect(() => openSoftwareDevice(memoryDeviceStore(), master)).toThrow(
      expect.objectContaining({ code: 'profile-absent' }),
    )
  })

  it('does not open under another master key', () => {
    expect(() => openSoftwareDevice(store, aMaster())).toThrow(withCode('store-failed'))
  })

  it('can all that software can', () => {
    for (const can of [isTransactional, makesTransportKeys, holdsRoot, importsKeys, exportsKeys]) {
      expect(can(device)).toBe(true)
    }
    expect(isInstalling(device)).toBe(false)
  })

  it('holds the root key only once it was made, and earlier ones after a rotation', () => {
    expect(device.rootSigner()).toBeNull()
    const first = device.makeRootKey()
    const second = device.makeRootKey()
    expect(device.rootSigner()?.id).toBe(second.id)
    expect(device.rootSignerById(first.id)?.id).toBe(first.id)
    expect(device.rootSignerById(device.signer.id)).toBeNull()
    expect(new Set([first.id, second.id, device.signer.id]).size).toBe(3)
  })
})

describe('transport keys', () => {
  it('are offered until they expire, and destroyed 90 days later', async () => {
    const offer = await device.makeTransportKey(LIFE)
    expect(offer).toMatchObject({ ...LIFE, exposure: 'software' })
    expect(offer).not.toHaveProperty('once')
    expect(device.transportKeys(NOW)).toEqual([offer])
    expect(device.transportKeys(LIFE.exp)).toEqual([])
    expect(device.destroyTransportKeys(LIFE.exp + 90 * DAY_SECONDS - 1)).toBe(0)
    expect(device.destroyTransportKeys(LIFE.exp + 90 * DAY_SECONDS)).toBe(1)
    expect(store.sealedKeys.transportKeys()).toEqual([])
  })

  it('of a suite that software does not do are not made', async () => {
    for (const alg of ['TPM2-IMPORT', 'RSA-OAEP-256']) {
      await expect(device.makeTransportKey({ ...LIFE, alg })).rejects.toThrow(withCode('alg-not-allowed'))
    }
  })
})

describe('a key', () => {
  it('comes in, and goes out as it was', () => {
    device.importKey({ key: KEY, generation: 1, type: 'secret' }, SECRET)
    device.importKey({ key: KEY, generation: 1, type: 'secret' }, SECRET)
    expect(device.findKey(KEY, 1)).toEqual({ key: KEY, generation: 1, type: 'secret' })
    expect(device.exportKey(KEY, 1)).toEqual(SECRET)
    expect(device.findKey(KEY, 2)).toBeNull()
    expect(() => device.exportKey(KEY, 2)).toThrow(withCode('key-absent'))
    device.destroyKey(KEY, 1)
    expect(device.findKey(KEY, 1)).toBeNull()
  })

  it('must fit its type, and is not replaced by another', () => {
    const held = { key: KEY, generation: 1, type: 'aes' } as const
    expect(() => device.importKey(held, new Uint8Array(17))).toThrow(
      expect.objectContaining({ code: 'key-format-unknown' }),
    )
    device.importKey(held, SECRET)
    expect(() => device.importKey(held, new Uint8Array(32))).toThrow(withCode('state-conflict'))
    expect(device.exportKey(KEY, 1)).toEqual(SECRET)
  })

  it('opens in its own row only, and not when a bit was changed', () => {
    device.importKey({ key: KEY, generation: 1, type: 'secret' }, SECRET)
    const held = store.sealedKeys.keyOctets(KEY, 1)
    if (held === null) throw new Error('it was stored')
    store.sealedKeys.putKeyOctets({ ...held, generation: 2 })
    store.sealedKeys.putKeyOctets({ ...held, key: OTHER })
    expect(() => device.exportKey(KEY, 2)).toThrow(withCode('store-failed'))
    expect(() => device.exportKey(OTHER, 1)).toThrow(withCode('store-failed'))
    for (let at = 0; at < held.sealed.length; at++) {
      const sealed = held.sealed.slice()
      sealed[at] = (sealed[at] ?? 0) ^ 1
      store.sealedKeys.putKeyOctets({ ...held, sealed })
      expect(() => device.exportKey(KEY, 1)).toThrow(withCode('store-failed'))
    }
    store.sealedKeys.putKeyOctets({ ...held, sealed: held.sealed.subarray(0, 20) })
    expect(() => device.exportKey(KEY, 1)).toThrow(withCode('store-failed'))
  })
})

describe('a key on its way', () => {
  async function unwrap(offer: TransportKeyOffer, wrapped: WrappedKey): ReturnType<SoftwareDevice['unwrapKey']> {
    const kid = namedThumbprint(offer.jwk)
    return device.unwrapKey({ alg: offer.alg, kid, wrapped, binding: BINDING, key: ORDER_KEY })
  }

  it('is there with its replay entry, its generation and its receipt, or not at all (T10)', async () => {
    const offer = await device.makeTransportKey(LIFE)
    const unwrapped = await unwrap(offer, await wrappedFor(offer))
    expect(unwrapped).toMatchObject({ key: KEY, generation: 1, exposure: 'software' })
    expect(device.findKey(KEY, 1)).toBeNull()
    const install = (fail: boolean): void =>
      store.transaction(() => {
        store.replay.accept(KEY, 1, false)
        unwrapped.store()
        const outcome = { kind: 'receipt', text: 'a.b.c' } as const
        store.replay.record({ dl: DL, attempt: 1, envelope: device.signer.id, outcome, keepUntil: null })
        if (fail) throw new Error('power')
      })
    expect(() => install(true)).toThrow('power')
    expect([device.findKey(KEY, 1), store.replay.lastGeneration(KEY), store.replay.find(DL, 1)]).toEqual([
      null,
      null,
      null,
    ])
    install(false)
    expect(device.exportKey(KEY, 1)).toEqual(SECRET)
    expect(store.replay.lastGeneration(KEY)).toBe(1)
  })

  it('destroys the transport key that was for one delivery', async () => {
    const offer = await device.makeTransportKey({ ...LIFE, once: true })
    expect(offer.once).toBe(true)
    expect(device.transportKeys(NOW)).toEqual([])
    const unwrapped = await unwrap(offer, await wrappedFor(offer))
    unwrapped.store()
    expect(store.sealedKeys.transportKeys()).toEqual([])
    expect(device.exportKey(KEY, 1)).toEqual(SECRET)
  })

  it('does not open with another binding, under another or no transport key, and nothing says why', async () => {
    const offer = await device.makeTransportKey(LIFE)
    const other = await device.makeTransportKey(LIFE)
    const wrapped = await wrappedFor(offer)
    const kid = namedThumbprint(offer.jwk)
    const good = { alg: 'HPKE-7', kid, wrapped, binding: BINDING, key: ORDER_KEY }
    const stranger = await makeSoftwareDevice(memoryDeviceStore(), aMaster()).makeTransportKey(LIFE)
    const attempts = [
      { ...good, binding: utf8('{"v":2}') },
      { ...good, kid: namedThumbprint(other.jwk) },
      { ...good, kid: namedThumbprint(stranger.jwk) },
      { ...good, alg: 'HPKE-9' },
      { ...good, key: { ...ORDER_KEY, type: 'private' } as const },
    ]
    const messages = new Set<string>()
    for (const attempt of attempts) {
      const error: unknown = await device.unwrapKey(attempt).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'unwrap-failed' })
      messages.add(error instanceof Error ? error.message : '')
    }
    expect(messages.size).toBe(1)
  })

  it('is not wrapped if it is not there', async () => {
    const offer = await device.makeTransportKey(LIFE)
    const request = { alg: 'HPKE-7', recipient: recipient(offer), kid: namedThumbprint(offer.jwk), binding: BINDING }
    await expect(device.wrapKey({ key: KEY, generation: 1, ...request })).rejects.toThrow(withCode('key-absent'))
  })

  it('is wrapped for an RSA key of at least its octets and 66 more', async () => {
    expect(device.wraps.map(({ alg }) => alg)).toEqual(['HPKE-7', 'RSA-OAEP-256'])
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const { n = '', e = '' } = privateKey.export({ format: 'jwk' })
    const jwk = { kty: 'RSA', n, e } as const
    const to = { alg: 'RSA-OAEP-256', recipient: jwk, kid: namedThumbprint(jwk), binding: BINDING }
    device.importKey({ key: KEY, generation: 1, type: 'secret' }, SECRET)
    device.importKey({ key: OTHER, generation: 1, type: 'secret' }, new Uint8Array(191))
    const wrapped = await device.wrapKey({ key: KEY, generation: 1, ...to })
    expect(wrapped).toEqual({ alg: to.alg, kid: to.kid, blob: expect.any(String) })
    const blob = Buffer.from((wrapped as { blob: string }).blob, 'base64url')
    expect(new Uint8Array(privateDecrypt({ key: privateKey, oaepHash: 'sha256' }, blob))).toEqual(SECRET)
    await expect(device.wrapKey({ key: OTHER, generation: 1, ...to })).rejects.toThrow(withCode('key-not-exportable'))
  })
})

describe('the files of a software device', () => {
  it('show no key in the clear', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'keyferry-software-')), 'profile')
    try {
      const onDisk = openDeviceStore(folder)
      const here = makeSoftwareDevice(onDisk, master)
      here.importKey({ key: KEY, generation: 1, type: 'secret' }, SECRET)
      const offer = await here.makeTransportKey(LIFE)
      const kid = namedThumbprint(offer.jwk)
      const unwrapped = await here.unwrapKey({
        alg: 'HPKE-7',
        kid,
        wrapped: await wrappedFor(offer),
        binding: BINDING,
        key: { ...ORDER_KEY, generation: 2 },
      })
      unwrapped.store()
      for (const name of readdirSync(folder)) {
        expect(readFileSync(join(folder, name)).includes(Buffer.from(SECRET))).toBe(false)
      }
      onDisk.close()
    } finally {
      rmSync(join(folder, '..'), { recursive: true, force: true })
    }
  })
})
