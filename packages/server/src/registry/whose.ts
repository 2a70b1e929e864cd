import { KeyferryError, type Thumbprint, type UserId } from '@keyferry/protocol'
import { type Caller, isAdministrator, userOf } from '../access/caller.ts'

/**
 * *Whose* of PROTOCOL 15: only its own user, or an administrator, changes a thing. To all others it is `not-found`.
 * A device that its user's newest set no longer lists acts for nobody.
 */
export function actsFor(caller: Caller, user: UserId): boolean {
  if (caller.type === 'device' && caller.device.state !== 'active') return false
  return userOf(caller) === user || isAdministrator(caller)
}

/** @throws {KeyferryError} `not-found` */
export function requireActsFor(caller: Caller, user: UserId): void {
  if (!actsFor(caller, user)) throw notFound()
}

/** The one answer for what does not exist and for what is not the caller's. */
export function notFound(): KeyferryError {
  return new KeyferryError('not-found', 'there is no such thing for you')
}

/**
 * What the key of a host agent is not for (PROTOCOL 2.1): it asks for, enrols and changes nothing in the name of the device.
 * @throws {KeyferryError} `access-denied`
 */
export function refuseAgent(caller: Caller): void {
  if (caller.type === 'device' && caller.method === 'access-signature') {
    throw new KeyferryError('access-denied', 'the access key of a device is not for this', { reason: 'access-key' })
  }
}

/** The key that signed the request, or null for a session or the operator. */
export function keyidOf(caller: Caller): Thumbprint | null {
  if (caller.type === 'device' || caller.type === 'newcomer') return caller.keyid
  return caller.type === 'application' ? caller.application.id : null
}
