import type { TransportJwk } from '../jose/jwk.ts'

/** What PROTOCOL 8 fixes of each suite, as far as somebody who cannot open it can see. */
export interface SuiteForm {
  readonly form: 'jwe' | 'blob'
  /** Named by a transport key (`kid`) or by a shared secret (`secret`). */
  readonly under: 'kid' | 'secret'
  readonly hpke: boolean
  /** Of its transport keys; absent where they may be of several. */
  readonly kty?: TransportJwk['kty']
  /** JWE: octets of `encrypted_key`. Blob: see `wrapped-checks.ts`. */
  readonly encryptedKeyOctets?: number
  readonly ephemeral?: boolean
}

export const SUITES: Readonly<Record<string, SuiteForm>> = {
  'HPKE-7': { form: 'jwe', under: 'kid', hpke: true, kty: 'EC', encryptedKeyOctets: 65 },
  'HPKE-9': { form: 'jwe', under: 'kid', hpke: true, kty: 'AKP', encryptedKeyOctets: 1120 },
  'ECDH-ES+A256KW': { form: 'jwe', under: 'kid', hpke: false, kty: 'EC', encryptedKeyOctets: 40, ephemeral: true },
  A256KW: { form: 'jwe', under: 'secret', hpke: false, encryptedKeyOctets: 40 },
  A256KWP: { form: 'blob', under: 'secret', hpke: false },
  'RSA-OAEP-256': { form: 'blob', under: 'kid', hpke: false, kty: 'RSA' },
  'RSA-OAEP-256+A256KWP': { form: 'blob', under: 'kid', hpke: false, kty: 'RSA' },
  'RSA-OAEP-256+A256KW': { form: 'blob', under: 'kid', hpke: false, kty: 'RSA' },
  'RSA-OAEP': { form: 'blob', under: 'kid', hpke: false, kty: 'RSA' },
  'RSA-OAEP+A256KWP': { form: 'blob', under: 'kid', hpke: false, kty: 'RSA' },
  'TPM2-IMPORT': { form: 'blob', under: 'kid', hpke: false },
}

/** The suite of this name, or `null` for one that this version does not know. */
export function suiteForm(alg: string): SuiteForm | null {
  return Object.hasOwn(SUITES, alg) ? (SUITES[alg] ?? null) : null
}

/** Whether a transport key of this suite takes the keys of one owner only: blob suites but `A256KWP` (PROTOCOL 8, 4.). */
export function takesOneOwner(alg: string): boolean {
  const suite = suiteForm(alg)
  return suite !== null && suite.form === 'blob' && suite.under === 'kid'
}
