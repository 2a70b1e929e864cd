import { type GrantPayload, grantStatement, type Statement, type Thumbprint } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { KeyRow } from '../store/rows.ts'

/** The newest live grant of the owner to this grantee that names the key or its class, or null (PROTOCOL 2.3). */
export async function liveGrantOf(
  context: ServerContext,
  key: Pick<KeyRow, 'id' | 'owner' | 'class'>,
  grantee: Thumbprint,
): Promise<Statement<GrantPayload> | null> {
  const now = context.clock.now()
  const owner = await context.read.user(key.owner)
  if (owner === null) return null
  const set = (await context.statements.deviceSet(owner.setRef)).payload
  const rows = await context.read.statementsOf(key.owner, grantStatement.typ)
  for (const row of rows.filter((entry) => entry.subject === grantee).reverse()) {
    const grant = await context.statements.read(grantStatement, row.ref)
    const live = now < grant.payload.exp && !set.revoked.some((entry) => entry.id === grant.ref)
    const covers = grant.payload.keys.includes(key.id) || grant.payload.classes.includes(key.class)
    if (live && covers) return grant
  }
  return null
}
