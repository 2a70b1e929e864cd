import { KeyferryError } from '../errors.ts'
import { ownerOf } from '../ids/ids.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import type { DeviceSetPayload } from './device-set.ts'
import { deviceIn, isRevoked } from './device-set-checks.ts'
import type { GrantPayload } from './grant.ts'
import { grantCovers } from './grant-checks.ts'
import { type NamedJwk, namedThumbprint } from './named-jwk.ts'
import type { OrderPayload } from './order.ts'
import { checkLife, inTime, MAX_LIFE_SECONDS, type Statement, verifyStatement } from './statement.ts'

export type Permitter = 'source' | 'order-device' | 'grantee'

export interface PermissionFacts {
  /** The owner's newest set, checked. */
  readonly ownerSet: DeviceSetPayload
  /** The grant that the order names, checked by `checkGrant`. */
  readonly grant?: Statement<GrantPayload>
  /** Ids of the CAs that certify the target's user: for a grant whose `to` names CAs. */
  readonly certifiedBy?: ReadonlySet<string>
  /** When a grant must be unexpired: now, or `iat` of the KTI. */
  readonly at: EpochSeconds
}

/**
 * An order is signed by whoever permits it, and a grant covers it, but for `perDay`.
 * @throws {KeyferryError} `order-invalid`; `grant-exceeded` if the grant is live and does not cover the order.
 */
export async function checkOrder(order: Statement<OrderPayload>, facts: PermissionFacts): Promise<Permitter> {
  const { payload } = order
  const permission = permissionOf(payload, facts)
  if (payload.iss !== order.kid) throw invalid('it names another signer')
  if (permission === null) throw invalid('nobody who may order signed it')
  checkLife(payload, MAX_LIFE_SECONDS, 'order-invalid')
  if (!(await verifyStatement(order, permission.jwk))) throw invalid('its signature is wrong')
  if (permission.grant !== null) {
    const certifiedBy = facts.certifiedBy ?? new Set()
    if (!grantCovers(permission.grant, payload, { owner: facts.ownerSet.user, certifiedBy })) {
      throw new KeyferryError('grant-exceeded', 'the grant does not cover this order')
    }
  }
  return permission.by
}

interface Permission {
  readonly by: Permitter
  readonly jwk: NamedJwk
  readonly grant: GrantPayload | null
}

/**
 * Who permits an order (PROTOCOL 2.4): the source itself, a device of the owner with role `order`, or the grantee of a live
 * grant; `null`: nobody. `src` must be a source of the owner in each case.
 */
function permissionOf(order: OrderPayload, { ownerSet, grant, at }: PermissionFacts): Permission | null {
  if (ownerSet.user !== ownerOf(order.key.id) || ownerSet.origin !== order.origin) return null
  const source = deviceIn(ownerSet, order.src)
  if (source === null || source === 'revoked' || !source.roles.includes('source')) return null
  if (order.grant !== undefined) return grant === undefined ? null : permissionByGrant(order, ownerSet, grant, at)
  if (order.iss === order.src) return { by: 'source', jwk: source.jwk, grant: null }
  const other = deviceIn(ownerSet, order.iss)
  if (other === null || other === 'revoked' || !other.roles.includes('order')) return null
  return { by: 'order-device', jwk: other.jwk, grant: null }
}

function permissionByGrant(
  order: OrderPayload,
  ownerSet: DeviceSetPayload,
  grant: Statement<GrantPayload>,
  at: EpochSeconds,
): Permission | null {
  const { grantee } = grant.payload
  const named = order.grant === grant.ref && namedThumbprint(grantee) === order.iss
  const ofOwner = grant.payload.user === ownerSet.user && grant.payload.origin === ownerSet.origin
  const live = inTime(grant.payload, at) === 'in-time' && !isRevoked(ownerSet, grant.ref)
  return named && ofOwner && live ? { by: 'grantee', jwk: grantee, grant: grant.payload } : null
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('order-invalid', message)
}
