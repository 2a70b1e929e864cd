import { KeyferryError } from '../errors.ts'
import type { Branded } from './brand.ts'
import { fromCrockford, toCrockford } from './crockford.ts'

/** Prefixes of PROTOCOL 1 and what they name. */
export const ID_PREFIXES = {
  tr: 'transfer',
  dl: 'delivery',
  nt: 'notice',
  en: 'enrolment',
  gr: 'group',
  ct: 'container',
  ss: 'shared secret',
} as const
export type IdPrefix = keyof typeof ID_PREFIXES

/** Names one thing at one server: prefix, `_`, 26 Crockford digits of 128 bits (PROTOCOL 1). Knowing it grants nothing. */
export type Id<P extends IdPrefix> = Branded<string, `id ${P}`>
export type TransferId = Id<'tr'>
export type DeliveryId = Id<'dl'>
export type NoticeId = Id<'nt'>
export type EnrolmentId = Id<'en'>
export type GroupId = Id<'gr'>
export type ContainerId = Id<'ct'>
export type SharedSecretId = Id<'ss'>

/** SHA-256 of something, b64u: 43 characters. */
export type Thumbprint = Branded<string, 'Thumbprint'>
/** Thumbprint of a device's signing key. */
export type DeviceId = Thumbprint
/** Thumbprint of a user's first root key, for ever: the "root id". */
export type UserId = Thumbprint
/** ref(S) of PROTOCOL 2: SHA-256 of a statement's signing input. */
export type Ref = Thumbprint
/** Root id of the owner, `/`, 26 Crockford digits. */
export type KeyId = Branded<string, 'KeyId'>

const DIGITS = '[0-7][0-9a-hjkmnp-tv-z]{25}'
/** 43 b64u characters of 32 octets: the last carries 4 bits. */
const THUMBPRINT = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]'
export const ID_PATTERN: Record<IdPrefix, RegExp> = {
  tr: new RegExp(`^tr_${DIGITS}$`),
  dl: new RegExp(`^dl_${DIGITS}$`),
  nt: new RegExp(`^nt_${DIGITS}$`),
  en: new RegExp(`^en_${DIGITS}$`),
  gr: new RegExp(`^gr_${DIGITS}$`),
  ct: new RegExp(`^ct_${DIGITS}$`),
  ss: new RegExp(`^ss_${DIGITS}$`),
}
export const THUMBPRINT_PATTERN: RegExp = new RegExp(`^${THUMBPRINT}$`)
export const KEY_ID_PATTERN: RegExp = new RegExp(`^${THUMBPRINT}/${DIGITS}$`)

/** @throws {KeyferryError} `id-invalid` */
export function parseId<P extends IdPrefix>(prefix: P, text: string): Id<P> {
  if (!ID_PATTERN[prefix].test(text)) throw new KeyferryError('id-invalid', `not a ${ID_PREFIXES[prefix]} id`)
  return text as Id<P>
}

/** A fresh id of 16 random octets. */
export function makeId<P extends IdPrefix>(prefix: P, random16: Uint8Array): Id<P> {
  return `${prefix}_${toCrockford(random16)}` as Id<P>
}

/** The 16 octets of an id (PROTOCOL 1, `raw(id)`). */
export function rawId(id: Id<IdPrefix>): Uint8Array {
  return fromCrockford(id.slice(3))
}

/** @throws {KeyferryError} `id-invalid` */
export function parseThumbprint(text: string): Thumbprint {
  if (!THUMBPRINT_PATTERN.test(text)) throw new KeyferryError('id-invalid', 'not a thumbprint')
  return text as Thumbprint
}

/** @throws {KeyferryError} `id-invalid` */
export function parseKeyId(text: string): KeyId {
  if (!KEY_ID_PATTERN.test(text)) throw new KeyferryError('id-invalid', 'not a key id')
  return text as KeyId
}

export function makeKeyId(owner: UserId, random16: Uint8Array): KeyId {
  return `${owner}/${toCrockford(random16)}` as KeyId
}

/** The owner of a key: the user whose root id begins the key id. */
export function ownerOf(key: KeyId): UserId {
  return key.slice(0, 43) as UserId
}
