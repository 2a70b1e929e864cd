import type { KeyObject } from 'node:crypto'
import {
  type EpochSeconds,
  jweSuite,
  KeyferryError,
  type Thumbprint,
  type TransportKeyOffer,
  type TransportKeyPair,
  thumbprint,
} from '@keyferry/protocol'
import type { SealedKeyStore, SealedTransportKey } from '../../store/sealed-keys.ts'
import type { TransportKeyLife } from '../secure-device.ts'
import { openSealed, seal } from './sealing.ts'

const TABLE = 'transport_key'
/** The longest life of an order: nothing can arrive for it later (PROTOCOL 2.1). */
const KEPT_AFTER_EXPIRY_SECONDS = 90 * 86_400

/** @throws {KeyferryError} `alg-not-allowed` */
export async function makeTransportKey(
  store: SealedKeyStore,
  master: KeyObject,
  { alg, nbf, exp, once = false }: TransportKeyLife,
): Promise<TransportKeyOffer> {
  const suite = jweSuite(alg)
  if (suite === null) throw new KeyferryError('alg-not-allowed', 'this suite is not done in software')
  const pair = await suite.generateKeyPair({ extractable: true })
  const jwk = await suite.exportPublicKey(pair)
  const kid = thumbprint(jwk)
  const octets = await suite.exportPrivateKey(pair)
  const facts = { kid, alg, jwk, nbf, exp, once, exposure: 'software', owner: null } as const
  const key: SealedTransportKey = {
    ...facts,
    destroyAfter: exp + KEPT_AFTER_EXPIRY_SECONDS,
    sealed: sealing(octets, () => seal(master, { table: TABLE, row: kid }, octets)),
  }
  store.putTransportKey(key)
  return offerOf(key)
}

/** What stands in `enc` now: `once` keys are offered elsewhere, one by one. */
export function offersAt(store: SealedKeyStore, now: EpochSeconds): TransportKeyOffer[] {
  return store
    .transportKeys()
    .filter((key) => now < key.exp && !key.once)
    .map(offerOf)
}

/** `null` if there is no such key of this suite, or it does not open. */
export async function openTransportKey(
  master: KeyObject,
  key: SealedTransportKey | null,
  alg: string,
): Promise<TransportKeyPair | null> {
  const suite = jweSuite(alg)
  if (key === null || key.alg !== alg || suite === null) return null
  const octets = openSealed(master, { table: TABLE, row: key.kid }, key.sealed)
  try {
    return await suite.importKeyPair(key.jwk, octets)
  } finally {
    octets.fill(0)
  }
}

export function destroyExpired(store: SealedKeyStore, now: EpochSeconds): number {
  const over: Thumbprint[] = store
    .transportKeys()
    .filter((key) => key.destroyAfter <= now)
    .map(({ kid }) => kid)
  for (const kid of over) store.removeTransportKey(kid)
  return over.length
}

function offerOf({ jwk, alg, nbf, exp, exposure, once, owner }: SealedTransportKey): TransportKeyOffer {
  const offer: TransportKeyOffer = { jwk: { ...jwk }, alg, nbf, exp, exposure }
  return { ...offer, ...(once ? { once } : {}), ...(owner === null ? {} : { owner }) }
}

function sealing<T>(octets: Uint8Array, action: () => T): T {
  try {
    return action()
  } finally {
    octets.fill(0)
  }
}
