import {
  checkUserStatement,
  readStatement,
  type Statement,
  thumbprint,
  type UserPayload,
  userStatement,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { asCheckOf } from '../transfers/check-error.ts'
import { claimChanges } from './key-roles.ts'
import { requireInTime, STATEMENT_TIMES } from './lifetime.ts'
import { filed, knownStatement, leafChange, type StatementPutView, statementChange } from './statement-row.ts'
import { type Decided, decideAndCommit, type Put } from './unit-of-work.ts'
import { actsFor, notFound, refuseAgent } from './whose.ts'

/**
 * A CA's word on who a root is (PROTOCOL 2.3). The server stores any valid one: whether a CA counts is for each device's trust file.
 * Put by any signer of the user, or by any application, which is how a CA's own service comes in.
 * @throws {KeyferryError} `not-found`, `access-denied`, `statement-invalid` with `check`
 */
export async function putUserStatement(
  context: ServerContext,
  caller: Caller,
  text: string,
): Promise<Put<StatementPutView>> {
  const statement = await asCheckOf('statement-invalid', async () => readStatement(userStatement, text))
  return decideAndCommit(context, () => decide(context, caller, statement))
}

async function decide(
  context: ServerContext,
  caller: Caller,
  statement: Statement<UserPayload>,
): Promise<Decided<Put<StatementPutView>>> {
  const { payload } = statement
  const now = context.clock.now()
  const user = await context.read.user(payload.user)
  if (user === null || (caller.type !== 'application' && !actsFor(caller, user.id))) throw notFound()
  refuseAgent(caller)
  const known = await knownStatement(context, statement.ref)
  if (known !== null) return known
  const ca = thumbprint(payload.ca)
  await asCheckOf('statement-invalid', async () => {
    await checkUserStatement(statement, { origin: context.origin, caIds: [ca] })
    requireInTime(payload, now, STATEMENT_TIMES)
  })
  return filed(statement.ref, [
    statementChange(statement, { user: user.id, subject: payload.username, seq: payload.iat }, now),
    ...claimChanges([{ thumbprint: ca, role: 'ca', holder: ca }]),
    leafChange(context.origin, { typ: 'kf-user+jwt', ref: statement.ref, username: payload.username }),
  ])
}
