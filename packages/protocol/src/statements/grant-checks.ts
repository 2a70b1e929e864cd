import { KeyferryError } from '../errors.ts'
import type { Thumbprint, UserId } from '../ids/ids.ts'
import { thumbprint } from '../jose/jwk.ts'
import { reachesExposure } from '../json/shapes.ts'
import type { DeviceSetPayload } from './device-set.ts'
import type { GrantPayload } from './grant.ts'
import { namedThumbprint } from './named-jwk.ts'
import type { OrderPayload } from './order.ts'
import { checkLife, MAX_LONG_LIFE_SECONDS, type Statement, verifyStatement } from './statement.ts'

/**
 * A grant is by the owner's current root (a rotation ends the grants of the old one) and lives at most 398 days (PROTOCOL 2.3).
 * Whether it is in time, revoked, or covers an order is asked elsewhere.
 * @param ownerSet - The owner's set, checked.
 * @throws {KeyferryError} `statement-invalid`
 */
export async function checkGrant(
  grant: Statement<GrantPayload>,
  ownerSet: Pick<DeviceSetPayload, 'origin' | 'user' | 'root'>,
): Promise<void> {
  const { payload, kid } = grant
  if (payload.origin !== ownerSet.origin || payload.user !== ownerSet.user) throw invalid('it is of another owner')
  if (kid !== thumbprint(ownerSet.root)) throw invalid('it is not by the current root')
  const grantee = namedThumbprint(payload.grantee)
  if (grantee === kid || grantee === payload.user) throw invalid('two roles share a key')
  checkLife(payload, MAX_LONG_LIFE_SECONDS, 'statement-invalid')
  if (!(await verifyStatement(grant, ownerSet.root))) throw invalid('its signature is wrong')
}

export interface GrantFacts {
  readonly owner: UserId
  /** Ids of the CAs that certify the target's user with a valid `kf-user`. */
  readonly certifiedBy: ReadonlySet<string>
}

/** Whether a grant covers an order (PROTOCOL 2.3), but for `perDay`, which each source counts for itself. */
export function grantCovers(grant: GrantPayload, order: OrderPayload, facts: GrantFacts): boolean {
  return (
    (grant.keys.includes(order.key.id) || grant.classes.includes(order.key.class)) &&
    (grant.sources === undefined || grant.sources.includes(order.src)) &&
    grant.algs.includes(order.alg) &&
    reachesExposure(order.minExposure.source, grant.minExposure.source) &&
    reachesExposure(order.minExposure.target, grant.minExposure.target) &&
    admits(grant, order.dstUser, facts)
  )
}

function admits({ to }: GrantPayload, user: UserId, { owner, certifiedBy }: GrantFacts): boolean {
  return (to.own && user === owner) || to.users.includes(user) || to.cas.some((ca: Thumbprint) => certifiedBy.has(ca))
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('statement-invalid', message)
}
