import { KeyferryError, withErrorCode } from '../errors.ts'
import { fromCrockford, toCrockford } from '../ids/crockford.ts'
import type { UserId } from '../ids/ids.ts'
import { fitShape, OriginShape, ThumbprintShape, UserNameShape } from '../json/shapes.ts'
import { parseVkey } from '../log/vkey.ts'
import { readForm, writeForm } from './form.ts'

/** 10 minutes (PROTOCOL 3). */
export const PAIRING_LIFETIME_SECONDS = 600

/** What a device is told to become the first one of a user: the server's word, or an administrator's. */
export interface FirstDeviceString {
  readonly origin: string
  readonly username: string
  /** vkey of the log. */
  readonly log: string
  /** `e`: 26 Crockford digits, for the server, single use. */
  readonly code: string
}

/** What a device shows to another one of the same user, as QR code or text (PROTOCOL 3). */
export interface PairingString extends FirstDeviceString {
  readonly user: UserId
  /** `z`: 16 octets that never reach the server. Whoever sees them in these ten minutes can answer for a device. */
  readonly secret: Uint8Array
}

const SCHEME = 'keyferry'

/** 26 Crockford digits for 16 random octets: `e` and `z`. */
export function makePairingCode(random16: Uint8Array): string {
  return toCrockford(random16)
}

/** `keyferry:?v=1&o=<origin>&u=<root id>&n=<user name>&l=<log vkey>&e=<code>&z=<secret>`, for a first device without `u`, `z`. */
export function makePairingString(pairing: PairingString | FirstDeviceString): string {
  const secret = isPairing(pairing) ? toCrockford(pairing.secret) : undefined
  const user = isPairing(pairing) ? pairing.user : undefined
  const { origin, username, log, code } = pairing
  return writeForm(SCHEME, { v: '1', o: origin, u: user, n: username, l: log, e: code, z: secret })
}

/** Whether a string pairs with a device of the user; else it makes a first device. */
export function isPairing(pairing: PairingString | FirstDeviceString): pairing is PairingString {
  return 'secret' in pairing
}

/** @throws {KeyferryError} `malformed` */
export function parsePairingString(text: string): PairingString | FirstDeviceString {
  const form = readForm(SCHEME, text, { v: true, o: true, u: false, n: true, l: true, e: true, z: false })
  if (form.get('v') !== '1') throw new KeyferryError('malformed', 'of another version')
  const [user, secret, log, code] = [form.get('u'), form.get('z'), form.get('l') ?? '', form.get('e') ?? '']
  if (parseVkey(log).use !== 'log') throw new KeyferryError('malformed', 'not the key of a log')
  readCode(code)
  const first = {
    origin: fitShape(OriginShape, form.get('o'), 'malformed'),
    username: fitShape(UserNameShape, form.get('n'), 'malformed'),
    log,
    code,
  }
  if (user === undefined && secret === undefined) return first
  if (user === undefined || secret === undefined) {
    throw new KeyferryError('malformed', 'root id and secret come together')
  }
  return { ...first, user: fitShape(ThumbprintShape, user, 'malformed'), secret: readCode(secret) }
}

function readCode(digits: string): Uint8Array {
  return withErrorCode('malformed', () => fromCrockford(digits))
}
