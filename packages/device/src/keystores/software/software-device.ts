import type { KeyObject } from 'node:crypto'
import {
  type Capability,
  equalOctets,
  KeyferryError,
  type KeyId,
  type KeyType,
  keyOctetsFit,
  possessionMac,
  type Signer,
  unwrapKey,
  wrapKey,
} from '@keyferry/protocol'
import { DeviceError } from '../../errors.ts'
import type { DeviceStore } from '../../store/device-store.ts'
import type { SealedKeyOctets } from '../../store/sealed-keys.ts'
import type {
  ExportsKeys,
  ExportsRoot,
  HeldKey,
  HoldsRoot,
  ImportsKeys,
  MakesTransportKeys,
  ProvesPossession,
  TransactionalDevice,
  UnwrappedKey,
  UnwrapRequest,
} from '../secure-device.ts'
import { openSealed, type SealedPlace, seal } from './sealing.ts'
import { exportSigningKey, importSigningKey, makeSigningKey, openSigningKey } from './signing-keys.ts'
import { destroyExpired, makeTransportKey, offersAt, openTransportKey } from './transport-keys.ts'

/** A device whose keys are sealed in its own store: exposure `software` on both sides. */
export interface SoftwareDevice
  extends TransactionalDevice,
    MakesTransportKeys,
    HoldsRoot,
    ImportsKeys,
    ExportsKeys,
    ExportsRoot,
    ProvesPossession {}

/** Both that every source must be able to do in software; as target it takes `HPKE-7` only (PROTOCOL 8). */
const WRAPS: readonly Capability[] = [
  { alg: 'HPKE-7', exposure: 'software' },
  { alg: 'RSA-OAEP-256', exposure: 'software' },
]

/**
 * Makes the device key, the beginning of a device.
 * @throws {KeyferryError} `state-conflict` if there is one.
 */
export function makeSoftwareDevice(store: DeviceStore, master: KeyObject): SoftwareDevice {
  return store.transaction(() => {
    if (store.sealedKeys.signingKey('device') !== null) {
      throw new KeyferryError('state-conflict', 'this profile has its device key')
    }
    return softwareDevice(store, master, makeSigningKey(store.sealedKeys, master, 'device'))
  })
}

/**
 * @throws {DeviceError} `profile-absent` if no device key was made.
 * @throws {KeyferryError} `store-failed` if the master key is another one.
 */
export function openSoftwareDevice(store: DeviceStore, master: KeyObject): SoftwareDevice {
  const key = store.sealedKeys.signingKey('device')
  if (key === null) throw new DeviceError('profile-absent', 'join first: keyferry init, keyferry join')
  return softwareDevice(store, master, openSigningKey(master, key))
}

function softwareDevice(store: DeviceStore, master: KeyObject, signer: Signer): SoftwareDevice {
  const { sealedKeys } = store
  const signerFrom = (key: ReturnType<typeof sealedKeys.signingKey>): Signer | null =>
    key?.role === 'root' ? openSigningKey(master, key) : null
  const exportKey = (key: KeyId, generation: number): Uint8Array => {
    const held = sealedKeys.keyOctets(key, generation)
    if (held === null) throw new KeyferryError('key-absent', 'this device does not hold this key')
    return openSealed(master, placeOf(key, generation), held.sealed)
  }
  return {
    kind: 'software',
    signer,
    wraps: WRAPS,
    transportKeys: (now) => offersAt(sealedKeys, now),
    findKey(key, generation) {
      const held = sealedKeys.keyOctets(key, generation)
      return held === null ? null : { key, generation, type: held.type }
    },
    async wrapKey({ key, generation, ...question }) {
      const keyOctets = exportKey(key, generation)
      try {
        return await wrapKey({ ...question, keyOctets })
      } finally {
        keyOctets.fill(0)
      }
    },
    unwrapKey: (request) => unwrap(store, master, request),
    async provePossession({ alg, kid, wrapped, binding, en }) {
      const failure = new KeyferryError('possession-failed', 'the challenge cannot be opened')
      const pair = await openTransportKey(master, store.sealedKeys.transportKey(kid), alg)
      if (pair === null) throw failure
      const challenge = await unwrapKey({ alg, pair, wrapped, binding, type: 'hmac' }).catch(() => {
        throw failure
      })
      try {
        return possessionMac(challenge, en, signer.id)
      } finally {
        challenge.fill(0)
      }
    },
    makeTransportKey: (life) => makeTransportKey(sealedKeys, master, life),
    destroyTransportKeys: (now) => store.transaction(() => destroyExpired(sealedKeys, now)),
    destroyTransportKey: (kid) => sealedKeys.removeTransportKey(kid),
    rootSigner: () => signerFrom(sealedKeys.signingKey('root')),
    rootSignerById: (id) => signerFrom(sealedKeys.signingKeyById(id)),
    makeRootKey: () => makeSigningKey(sealedKeys, master, 'root'),
    exportRootKey(id) {
      const key = sealedKeys.signingKeyById(id)
      if (key?.role !== 'root') throw new KeyferryError('key-absent', 'this device does not hold this root key')
      return exportSigningKey(master, key)
    },
    importRootKey: (pkcs8) => importSigningKey(sealedKeys, master, 'root', pkcs8),
    importKey(key, octets) {
      store.transaction(() => {
        if (sealedKeys.keyOctets(key.key, key.generation) !== null)
          refuseOther(exportKey(key.key, key.generation), octets)
        sealedKeys.putKeyOctets(sealKey(master, key, octets))
      })
    },
    destroyKey: (key, generation) => sealedKeys.removeKeyOctets(key, generation),
    exportKey,
  }
}

/** What comes out is sealed at once: between T9 and T10 nobody holds the key in the clear. */
async function unwrap(store: DeviceStore, master: KeyObject, request: UnwrapRequest): Promise<UnwrappedKey> {
  const { alg, kid, wrapped, binding, key } = request
  const transportKey = store.sealedKeys.transportKey(kid)
  const pair = await openTransportKey(master, transportKey, alg)
  // T2 has looked for the key already; what is gone since then looks like every other failure.
  if (pair === null) throw new KeyferryError('unwrap-failed', UNWRAP_FAILED)
  const octets = await unwrapKey({ alg, pair, wrapped, binding, type: key.type })
  try {
    const held: HeldKey = { key: key.id, generation: key.generation, type: key.type }
    const sealed = sealKey(master, held, octets)
    return {
      ...held,
      exposure: 'software',
      store() {
        store.transaction(() => {
          store.sealedKeys.putKeyOctets(sealed)
          if (transportKey?.once === true) store.sealedKeys.removeTransportKey(kid)
        })
      },
    }
  } finally {
    octets.fill(0)
  }
}

/** The text of `unwrapKey` for all causes. */
const UNWRAP_FAILED = 'the wrapped key cannot be opened'

/** What keys of a type are (PROTOCOL 8), for whoever named another file. */
const FORMS: Readonly<Record<KeyType, string>> = {
  aes: 'a key of type aes has 16, 24 or 32 octets',
  hmac: 'a key of type hmac has 1 to 1024 octets',
  secret: 'a key of type secret has 1 to 1024 octets',
  private: 'a key of type private is PKCS#8 of at most 16 KiB',
  age: 'a key of type age is one identity, as age-keygen writes it',
}

function sealKey(master: KeyObject, { key, generation, type }: HeldKey, octets: Uint8Array): SealedKeyOctets {
  if (!keyOctetsFit(type, octets)) throw new DeviceError('key-format-unknown', FORMS[type])
  return { key, generation, type, sealed: seal(master, placeOf(key, generation), octets) }
}

function placeOf(key: KeyId, generation: number): SealedPlace {
  return { table: 'key_octets', row: `${key} ${generation}` }
}

function refuseOther(held: Uint8Array, octets: Uint8Array): void {
  const same = equalOctets(held, octets)
  held.fill(0)
  if (!same) throw new KeyferryError('state-conflict', 'another key has this id and generation')
}
