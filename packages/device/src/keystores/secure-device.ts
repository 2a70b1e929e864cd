import type {
  Capability,
  DeviceKind,
  EnrolmentId,
  EpochSeconds,
  Exposure,
  KeyId,
  KeyType,
  OrderKey,
  Signer,
  Thumbprint,
  TransportJwk,
  TransportKeyOffer,
  WrappedKey,
} from '@keyferry/protocol'

/** A key that a secure device holds, as far as it tells. */
export interface HeldKey {
  readonly key: KeyId
  readonly generation: number
  readonly type: KeyType
}

export interface WrapRequest {
  readonly key: KeyId
  readonly generation: number
  readonly alg: string
  readonly recipient: TransportJwk
  /** Thumbprint of `recipient`, as the KTI names it. */
  readonly kid: Thumbprint
  /** B: octets of the KTI as written. */
  readonly binding: Uint8Array
}

export interface UnwrapRequest {
  readonly alg: string
  /** The own transport key. */
  readonly kid: Thumbprint
  readonly wrapped: WrappedKey
  /** B: octets of the KTI as received. */
  readonly binding: Uint8Array
  readonly key: Pick<OrderKey, 'id' | 'generation' | 'type'>
}

/**
 * Where the keys of a device live: files, a token, a TPM. It signs, and it wraps keys for others; what it never does is check
 * whether it should (trust/). What only some can do are further interfaces: ask with the functions below.
 */
export interface SecureDevice {
  readonly kind: DeviceKind
  /** Signs with the device key; its id is the device id. */
  readonly signer: Signer
  /** What it can do as source: `wrap` of its statement. */
  readonly wraps: readonly Capability[]
  /** The transport keys to be listed as `enc` in a statement of this moment: not expired, and not `once`. */
  transportKeys(now: EpochSeconds): TransportKeyOffer[]
  /** `null` if it does not hold this generation. */
  findKey(key: KeyId, generation: number): HeldKey | null
  /**
   * Wraps a key inside, as far as the device can (PROTOCOL 8). S1 to S12 must have passed.
   * @throws {KeyferryError} `key-absent`; `key-not-exportable` with this suite; `alg-not-allowed`; `public-key-invalid`
   */
  wrapKey(request: WrapRequest): Promise<WrappedKey>
}

/** A key that was unwrapped, not yet stored, and by nobody to be seen. Forgetting it loses it. */
export interface UnwrappedKey extends HeldKey {
  /** What really happened to it on this side. */
  readonly exposure: Exposure
  /** Stores it: synchronous, to be called inside the transaction of T10. A transport key of `once` is destroyed with it. */
  store(): void
}

/** Its keys are in the device's own store: a key, its replay entry and its receipt are one transaction (T10). */
export interface TransactionalDevice extends SecureDevice {
  /**
   * T9, after T2 to T8 have passed.
   * @throws {KeyferryError} `unwrap-failed`, one text for all causes.
   */
  unwrapKey(request: UnwrapRequest): Promise<UnwrappedKey>
}

/** A token: what it stores is stored at once, so a pending replay entry goes before (T10, second way). */
export interface InstallingDevice extends SecureDevice {
  /**
   * Unwraps and stores under a name fixed by key id and generation; doing it again changes nothing.
   * @throws {KeyferryError} `unwrap-failed`, `store-failed`
   */
  installKey(request: UnwrapRequest): Promise<HeldKey & { readonly exposure: Exposure }>
}

export interface TransportKeyLife {
  readonly alg: string
  readonly nbf: EpochSeconds
  readonly exp: EpochSeconds
  readonly once?: boolean
}

/** It can make and destroy transport keys by itself (PROTOCOL 2.1: a fresh one every 30 days). */
export interface MakesTransportKeys {
  /** @throws {KeyferryError} `alg-not-allowed` */
  makeTransportKey(life: TransportKeyLife): Promise<TransportKeyOffer>
  /** Destroys those whose time is over: 90 days after `exp`. @returns how many. */
  destroyTransportKeys(now: EpochSeconds): number
  /** Destroys one before that: no open delivery needs it any more, or it must not be used again. */
  destroyTransportKey(kid: Thumbprint): void
}

export interface PossessionRequest {
  readonly alg: string
  readonly kid: Thumbprint
  readonly wrapped: WrappedKey
  /** B of the challenge, as written. */
  readonly binding: Uint8Array
  readonly en: EnrolmentId
}

/** It shows that it holds a transport key: opens a challenge and answers, inside, with its mac (PROTOCOL 3). */
export interface ProvesPossession {
  /** @throws {KeyferryError} `possession-failed`, one text for all causes. */
  provePossession(request: PossessionRequest): Promise<string>
}

/** It holds, or can hold, the root key of its user. */
export interface HoldsRoot {
  /** The current root key; `null` if it is elsewhere. */
  rootSigner(): Signer | null
  /** A new root key: the first one, or the next one of a rotation. From here on it is the current one. */
  makeRootKey(): Signer
  /** An earlier root key that is still here: it signs the hand-over set. */
  rootSignerById(id: Thumbprint): Signer | null
}

/** The root key can be taken out, for paper or another device, and brought in. Whoever can call this speaks for the user. */
export interface ExportsRoot {
  /**
   * @returns PKCS#8 DER in a fresh buffer that the caller erases.
   * @throws {KeyferryError} `key-absent`
   */
  exportRootKey(id: Thumbprint): Uint8Array
  /**
   * @param pkcs8 - DER of a P-256 key; the caller erases it.
   * @throws {DeviceError} `key-format-unknown`
   */
  importRootKey(pkcs8: Uint8Array): Signer
}

/** Keys can be brought in from outside. */
export interface ImportsKeys {
  /**
   * Copies the octets; the caller erases his.
   * @throws {DeviceError} `key-format-unknown` if they do not fit the type.
   * @throws {KeyferryError} `state-conflict` if another key has this id and generation.
   */
  importKey(key: HeldKey, octets: Uint8Array): void
  /** A no-op if it is not there. */
  destroyKey(key: KeyId, generation: number): void
}

/** Keys can be taken out, as a sink needs that writes a file. Whoever can call this has the key. */
export interface ExportsKeys {
  /**
   * @returns key octets in a fresh buffer that the caller erases.
   * @throws {KeyferryError} `key-absent`
   */
  exportKey(key: KeyId, generation: number): Uint8Array
}

export function isTransactional(device: SecureDevice): device is TransactionalDevice {
  return 'unwrapKey' in device
}
export function isInstalling(device: SecureDevice): device is InstallingDevice {
  return 'installKey' in device
}
export function makesTransportKeys(device: SecureDevice): device is SecureDevice & MakesTransportKeys {
  return 'makeTransportKey' in device
}
export function holdsRoot(device: SecureDevice): device is SecureDevice & HoldsRoot {
  return 'rootSigner' in device
}
export function importsKeys(device: SecureDevice): device is SecureDevice & ImportsKeys {
  return 'importKey' in device
}
export function exportsKeys(device: SecureDevice): device is SecureDevice & ExportsKeys {
  return 'exportKey' in device
}
