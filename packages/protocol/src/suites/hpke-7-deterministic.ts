import { type CryptoKey, KEM_DHKEM_P256_HKDF_SHA256, type KeyPair } from 'hpke'
import { makeHpke7 } from './hpke-7.ts'
import type { JweSuite } from './suite.ts'

/**
 * FOR TEST VECTORS ONLY, and not exported from the package: `HPKE-7` whose every seal uses this ephemeral key. Two seals to one
 * recipient then share key and nonce, which gives both plaintexts away.
 */
export function hpke7WithFixedEphemeralKey(ephemeral: KeyPair<CryptoKey>): JweSuite {
  return makeHpke7(() => ({ ...KEM_DHKEM_P256_HKDF_SHA256(), GenerateKeyPair: async () => ephemeral }))
}
