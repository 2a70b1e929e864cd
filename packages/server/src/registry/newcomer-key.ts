import {
  asSigningJwk,
  deviceStatement,
  type EnrolmentId,
  namedThumbprint,
  type PublicSigningJwk,
  readStatement,
  type Thumbprint,
  thumbprint,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'

/**
 * The key `keyid` that a device statement brings along: its host agent's, or if it has none its own. Requests signed by a key that
 * the server does not know yet are verified with it: the claim (the statement in its body), and the PUT of a statement with a new
 * `access` key (the statement is the body).
 * @throws {KeyferryError} `statement-invalid` if it cannot be read.
 * @returns `null` if the statement brings no such key.
 */
export function broughtKey(statementText: string, keyid: Thumbprint): PublicSigningJwk | null {
  const { access, jwk } = readStatement(deviceStatement, statementText).payload
  if (access === undefined) return thumbprint(jwk) === keyid ? jwk : null
  return namedThumbprint(access) === keyid ? asSigningJwk(access) : null
}

/** The key that N goes on signing with after its claim, until it is a device. `null`: this key claimed no such enrolment. */
export async function claimantKey(
  context: Pick<ServerContext, 'read'>,
  en: EnrolmentId,
  keyid: Thumbprint,
): Promise<PublicSigningJwk | null> {
  const enrolment = await context.read.enrolment(en)
  if (enrolment === null || enrolment.claim === null || enrolment.claimant !== keyid) return null
  return broughtKey(enrolment.claim.statement, keyid)
}
