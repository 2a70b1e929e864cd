import { KeyferryError } from '../errors.ts'
import type { Thumbprint } from '../ids/ids.ts'
import { thumbprint } from '../jose/jwk.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import { checkLife, inTime, MAX_LONG_LIFE_SECONDS, type Statement, verifyStatement } from './statement.ts'
import type { UserPayload } from './user.ts'

export interface UserExpectation {
  readonly origin: string
  /** CAs whose word counts. */
  readonly caIds: readonly Thumbprint[]
  /** When it must be in time: now, or `iat` of a KTI. Absent: not asked. */
  readonly now?: EpochSeconds
}

/**
 * A `kf-user` is by a CA whose word counts, for this origin, and lives at most 398 days (PROTOCOL 2.3).
 * @throws {KeyferryError} `statement-invalid`, `statement-expired`
 */
export async function checkUserStatement(
  statement: Statement<UserPayload>,
  { origin, caIds, now }: UserExpectation,
): Promise<void> {
  const { payload, kid } = statement
  if (payload.origin !== origin) throw invalid('it is for another origin')
  if (kid !== thumbprint(payload.ca)) throw invalid('it names another signer')
  if (!caIds.includes(kid)) throw invalid('it is by a CA whose word does not count')
  if (kid === payload.user || kid === payload.root) throw invalid('two roles share a key')
  checkLife(payload, MAX_LONG_LIFE_SECONDS, 'statement-invalid')
  const time = now === undefined ? 'in-time' : inTime(payload, now)
  if (time === 'early') throw invalid('it is from the future')
  if (time === 'expired') throw new KeyferryError('statement-expired', 'it has expired')
  if (!(await verifyStatement(statement, payload.ca))) throw invalid('its signature is wrong')
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('statement-invalid', message)
}
