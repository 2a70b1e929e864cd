import { type DeviceId, type DevicePayload, namedThumbprint, thumbprint } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { KeyRoleRow } from '../store/rows.ts'
import { keyInUse } from './unit-of-work.ts'

/** The roles that a device statement gives to the keys it names: its own, its host agent's, its transport keys. */
export function rolesOf(statement: DevicePayload): readonly KeyRoleRow[] {
  const holder: DeviceId = thumbprint(statement.jwk)
  return [
    { thumbprint: holder, role: 'device', holder },
    ...(statement.access === undefined
      ? []
      : [{ thumbprint: namedThumbprint(statement.access), role: 'access' as const, holder }]),
    ...statement.enc.map((offer) => ({ thumbprint: namedThumbprint(offer.jwk), role: 'transport' as const, holder })),
  ]
}

/** In the unit of work that makes the statement count; the store refuses the whole unit with `key-in-use`. */
export function claimChanges(roles: readonly KeyRoleRow[]): readonly Change[] {
  return roles.map((row) => ({ kind: 'claim-key', row }))
}

/**
 * For keys that must be new here: a device that enrols has made all its keys anew (PROTOCOL 3).
 * @throws {KeyferryError} `statement-invalid` with check `key-in-use`
 */
export async function requireNewKeys(
  context: Pick<ServerContext, 'read'>,
  roles: readonly KeyRoleRow[],
): Promise<void> {
  const known = await Promise.all(roles.map((row) => context.read.keyRole(row.thumbprint)))
  if (known.some((row) => row !== null)) throw keyInUse()
}
