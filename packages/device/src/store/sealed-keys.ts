import type {
  EpochSeconds,
  Exposure,
  KeyId,
  KeyType,
  PublicSigningJwk,
  Thumbprint,
  TransportJwk,
  UserId,
} from '@keyferry/protocol'

/** Octets that only the key store opens. The store of state never sees a key. */
export type SealedOctets = Uint8Array

export interface SealedSigningKey {
  readonly role: 'device' | 'root' | 'access'
  readonly id: Thumbprint
  readonly jwk: PublicSigningJwk
  readonly sealed: SealedOctets
}

export interface SealedTransportKey {
  readonly kid: Thumbprint
  readonly alg: string
  readonly jwk: TransportJwk
  readonly exposure: Exposure
  readonly nbf: EpochSeconds
  readonly exp: EpochSeconds
  readonly once: boolean
  /** Whose keys it takes, for suites that take those of one owner. */
  readonly owner: UserId | null
  /** 90 days after `exp` at the latest (PROTOCOL 2.1). */
  readonly destroyAfter: EpochSeconds
  readonly sealed: SealedOctets
}

export interface SealedKeyOctets {
  readonly key: KeyId
  readonly generation: number
  readonly type: KeyType
  readonly sealed: SealedOctets
}

/**
 * The rows of a software key store. They are in the same file as everything else, so that a key, its replay entry, its
 * generation and its receipt are one transaction (T10). What is removed is overwritten, in the write-ahead log too.
 */
export interface SealedKeyStore {
  /** The newest of its role: after a rotation the old root stays, to sign nothing any more. */
  signingKey(role: SealedSigningKey['role']): SealedSigningKey | null
  signingKeyById(id: Thumbprint): SealedSigningKey | null
  putSigningKey(key: SealedSigningKey): void
  removeSigningKey(id: Thumbprint): void

  transportKey(kid: Thumbprint): SealedTransportKey | null
  /** The one that lives longest last. */
  transportKeys(): SealedTransportKey[]
  putTransportKey(key: SealedTransportKey): void
  removeTransportKey(kid: Thumbprint): void

  keyOctets(key: KeyId, generation: number): SealedKeyOctets | null
  /** All generations, lowest first. */
  allKeyOctets(key: KeyId): SealedKeyOctets[]
  /** Replaces what a redelivery brings again. */
  putKeyOctets(octets: SealedKeyOctets): void
  removeKeyOctets(key: KeyId, generation: number): void
}
