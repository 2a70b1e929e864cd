import {
  checkGrant,
  type GrantPayload,
  grantStatement,
  namedThumbprint,
  readStatement,
  type Statement,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { asCheckOf } from '../transfers/check-error.ts'
import { requireInTime, STATEMENT_TIMES } from './lifetime.ts'
import { filed, knownStatement, leafChange, type StatementPutView, statementChange } from './statement-row.ts'
import { type Decided, decideAndCommit, keyInUse, type Put } from './unit-of-work.ts'
import { notFound, refuseAgent, requireActsFor } from './whose.ts'

/**
 * The owner lets somebody order for him (PROTOCOL 2.3): signed by the root that the server names now, that of the newest set.
 * @throws {KeyferryError} `not-found`, `access-denied`, `statement-invalid` with `check`
 */
export async function putGrant(context: ServerContext, caller: Caller, text: string): Promise<Put<StatementPutView>> {
  const statement = await asCheckOf('statement-invalid', async () => readStatement(grantStatement, text))
  return decideAndCommit(context, () => decide(context, caller, statement))
}

/** Who may be a grantee, of the keys that have a role here; an unknown key may be registered as an application later. */
const GRANTEE_ROLES: ReadonlySet<string> = new Set(['application', 'device'])

async function decide(
  context: ServerContext,
  caller: Caller,
  statement: Statement<GrantPayload>,
): Promise<Decided<Put<StatementPutView>>> {
  const { payload } = statement
  const now = context.clock.now()
  requireActsFor(caller, payload.user)
  refuseAgent(caller)
  const owner = await context.read.user(payload.user)
  if (owner === null) throw notFound()
  const known = await knownStatement(context, statement.ref)
  if (known !== null) return known
  const set = (await context.statements.deviceSet(owner.setRef)).payload
  await asCheckOf('statement-invalid', async () => {
    await checkGrant(statement, set)
    requireInTime(payload, now, STATEMENT_TIMES)
  })
  const grantee = namedThumbprint(payload.grantee)
  const role = await context.read.keyRole(grantee)
  if (role !== null && !GRANTEE_ROLES.has(role.role)) throw keyInUse()
  return filed(statement.ref, [
    statementChange(statement, { user: owner.id, subject: grantee, seq: payload.iat }, now),
    leafChange(context.origin, { typ: 'kf-grant+jwt', ref: statement.ref, user: owner.id }),
  ])
}
