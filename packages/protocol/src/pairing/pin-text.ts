import { KeyferryError } from '../errors.ts'
import type { Thumbprint, UserId } from '../ids/ids.ts'
import { fitShape, OriginShape, ThumbprintShape, UserNameShape } from '../json/shapes.ts'
import { readForm, writeForm } from './form.ts'

/** What a user shows out of band, so that another one can pin the root id under a name (PROTOCOL 3). */
export interface PinText {
  readonly origin: string
  /** Root id: thumbprint of the first root key, for ever. */
  readonly user: UserId
  readonly username: string
  /** Thumbprint of the current root: it must be in the chain. Absent: nobody says which root is current. */
  readonly root?: Thumbprint
}

const SCHEME = 'keyferry-user'

/** `keyferry-user:?v=1&o=<origin>&u=<root id>&n=<name>[&r=<thumbprint of the current root>]` */
export function makePinText(pin: PinText): string {
  return writeForm(SCHEME, { v: '1', o: pin.origin, u: pin.user, n: pin.username, r: pin.root })
}

/** @throws {KeyferryError} `malformed` */
export function parsePinText(text: string): PinText {
  const form = readForm(SCHEME, text, { v: true, o: true, u: true, n: true, r: false })
  if (form.get('v') !== '1') throw new KeyferryError('malformed', 'of another version')
  const root = form.get('r')
  return {
    origin: fitShape(OriginShape, form.get('o'), 'malformed'),
    user: fitShape(ThumbprintShape, form.get('u'), 'malformed'),
    username: fitShape(UserNameShape, form.get('n'), 'malformed'),
    ...(root === undefined ? {} : { root: fitShape(ThumbprintShape, root, 'malformed') }),
  }
}
