import { KeyferryError } from '../errors.ts'
import type { Thumbprint, UserId } from '../ids/ids.ts'
import { thumbprint } from '../jose/jwk.ts'
import { takesOneOwner } from '../suites/suite-table.ts'
import type { DevicePayload, TransportKeyOffer } from './device.ts'
import { namedThumbprint } from './named-jwk.ts'
import { checkLife, MAX_LIFE_SECONDS, type Statement, verifyStatement } from './statement.ts'

export interface DeviceExpectation {
  readonly origin: string
  /** Absent where the user is not known yet. */
  readonly user?: UserId
}

/**
 * A device statement is by the device that it describes, for this origin and user, lives at most 90 days, and no two of its
 * keys are the same (PROTOCOL 1, 2.1). Whether it is in time and not rolled back is for the caller: it has the clock and what
 * was seen.
 * @throws {KeyferryError} `statement-invalid`
 */
export async function checkDeviceStatement(
  statement: Statement<DevicePayload>,
  expected: DeviceExpectation,
): Promise<void> {
  const { payload } = statement
  if (payload.origin !== expected.origin) throw invalid('it is for another origin')
  if (expected.user !== undefined && payload.user !== expected.user) throw invalid('it is of another user')
  if (statement.kid !== thumbprint(payload.jwk)) throw invalid('it names another signer')
  checkLife(payload, MAX_LIFE_SECONDS, 'statement-invalid')
  if (payload.enc.some((offer) => offer.exp <= offer.nbf)) throw invalid('a transport key never is in time')
  const keys = keyIdsOf(payload)
  if (new Set(keys).size !== keys.length) throw invalid('two roles share a key')
  if (!(await verifyStatement(statement, payload.jwk))) throw invalid('its signature is wrong')
}

/** Thumbprints of all keys that a statement names, its user's first root among them: no two may be equal (PROTOCOL 1). */
export function keyIdsOf(payload: DevicePayload): Thumbprint[] {
  const access = payload.access === undefined ? [] : [namedThumbprint(payload.access)]
  const offers = payload.enc.map((offer) => namedThumbprint(offer.jwk))
  return [payload.user, thumbprint(payload.jwk), ...access, ...offers]
}

/** The transport key of this thumbprint, or `null` (`transport-key-unknown`). */
export function findOffer(payload: DevicePayload, kid: Thumbprint): TransportKeyOffer | null {
  return payload.enc.find((offer) => namedThumbprint(offer.jwk) === kid) ?? null
}

/**
 * Whether this transport key takes keys of that owner (PROTOCOL 8, 4.; `transport-key-foreign`): those of blob suites take the
 * keys of one owner, so that nobody passes off another's blob as his own.
 * @param user - The device's own user.
 */
export function offerTakes(offer: TransportKeyOffer, user: UserId, owner: UserId): boolean {
  return !takesOneOwner(offer.alg) || (offer.owner ?? user) === owner
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('statement-invalid', message)
}
