import { inTime, type Ref, type Statement, type UserId, type UserPayload, userStatement } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'

/** What CAs say of this root now: in time, and not replaced by the same CA (PROTOCOL 2.3). Newest first. */
export async function certificatesOf(
  context: Pick<ServerContext, 'read' | 'statements' | 'clock'>,
  user: UserId,
): Promise<readonly Statement<UserPayload>[]> {
  const rows = await context.read.statementsOf(user, userStatement.typ)
  const all = await Promise.all(rows.map((row) => context.statements.read(userStatement, row.ref)))
  const now = context.clock.now()
  return all
    .filter(({ payload }) => inTime(payload, now) === 'in-time')
    .filter(({ ref, kid }) => !all.some((other) => other.kid === kid && other.payload.replaces?.includes(ref)))
    .reverse()
}

/** The newest `kf-user` that says who this root is, or null. */
export async function userStatementOf(context: ServerContext, user: UserId): Promise<Ref | null> {
  return (await certificatesOf(context, user))[0]?.ref ?? null
}
