import { type DeviceSetPayload, grantStatement } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Ending } from './withdrawals.ts'

/**
 * What ends when a set revokes grants (PROTOCOL 2.2: `revoked[]` names them by ref): the deliveries of a grantee who keeps no other
 * live grant. Those of one who does go on; whether it covers them is checked with his order.
 */
export async function revokedGrants(
  context: ServerContext,
  before: DeviceSetPayload,
  set: DeviceSetPayload,
): Promise<readonly Ending[]> {
  const revoked = new Set<string>(set.revoked.map((entry) => entry.id))
  const newly = revoked.difference(new Set<string>(before.revoked.map((entry) => entry.id)))
  if (newly.size === 0) return []
  const rows = await context.read.statementsOf(set.user, grantStatement.typ)
  const grantees = new Set(rows.filter((row) => newly.has(row.ref)).map((row) => row.subject))
  for (const row of rows.filter((other) => grantees.has(other.subject) && !revoked.has(other.ref))) {
    const { payload } = await context.statements.read(grantStatement, row.ref)
    if (context.clock.now() < payload.exp) grantees.delete(row.subject)
  }
  return [...grantees].map((orderBy) => ({ what: { user: set.user, orderBy }, reason: 'grant-revoked' }))
}
