import { type GrantPayload, grantStatement, inTime, isRevoked, type Statement, thumbprint } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { KeyRow } from '../store/rows.ts'

type GrantedKey = Pick<KeyRow, 'id' | 'owner' | 'class'>

/**
 * The grants of the owner to this grantee that name the key or its class and still count, newest first: by the root of the owner's
 * newest set, which ends those of earlier roots (PROTOCOL 2.2), and not revoked. They may have expired.
 */
export async function grantsOf(
  context: Pick<ServerContext, 'read' | 'statements'>,
  key: GrantedKey,
  grantee: string,
): Promise<readonly Statement<GrantPayload>[]> {
  const owner = await context.read.user(key.owner)
  if (owner === null) return []
  const set = (await context.statements.deviceSet(owner.setRef)).payload
  const root = thumbprint(set.root)
  const rows = await context.read.statementsOf(key.owner, grantStatement.typ)
  const grants = await Promise.all(
    rows.filter((row) => row.subject === grantee).map((row) => context.statements.read(grantStatement, row.ref)),
  )
  return grants
    .filter((grant) => grant.kid === root && !isRevoked(set, grant.ref))
    .filter(({ payload }) => payload.keys.includes(key.id) || payload.classes.includes(key.class))
    .reverse()
}

/** The newest of them that is in time, or null (PROTOCOL 2.3). */
export async function liveGrantOf(
  context: Pick<ServerContext, 'read' | 'statements' | 'clock'>,
  key: GrantedKey,
  grantee: string,
): Promise<Statement<GrantPayload> | null> {
  const now = context.clock.now()
  const grants = await grantsOf(context, key, grantee)
  return grants.find((grant) => inTime(grant.payload, now) === 'in-time') ?? null
}
