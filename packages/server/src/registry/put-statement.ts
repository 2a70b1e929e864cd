import {
  deviceSetStatement,
  deviceStatement,
  fromBase64url,
  grantStatement,
  type JwsParts,
  KeyferryError,
  type Ref,
  readStrictly,
  refOf,
  splitCompact,
  userStatement,
  withErrorCode,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { putDeviceSet } from './put-device-set.ts'
import { putDeviceStatement } from './put-device-statement.ts'
import { putGrant } from './put-grant.ts'
import { putUserStatement } from './put-user-statement.ts'
import type { StatementPutView } from './statement-row.ts'
import type { Put } from './unit-of-work.ts'

type PutOneType = (context: ServerContext, caller: Caller, text: string) => Promise<Put<StatementPutView>>

const TYPES: ReadonlyMap<string, PutOneType> = new Map<string, PutOneType>([
  [deviceStatement.typ, putDeviceStatement],
  [deviceSetStatement.typ, putDeviceSet],
  [userStatement.typ, putUserStatement],
  [grantStatement.typ, putGrant],
])

/**
 * `PUT /v1/statements/{ref}` (PROTOCOL 15). The leaf is durable in the same unit of work (PROTOCOL 11). A known ref is answered
 * as before, whatever its signature octets: the ref never covers them.
 *
 * @param text - Compact JWS of type device, device-set, user or grant, as received.
 * @throws {KeyferryError} `malformed`, `not-found`, `access-denied`, `device-revoked`, `statement-rollback`, `set-rollback`,
 *   `statement-invalid` with `check`
 */
export async function putStatement(
  context: ServerContext,
  caller: Caller,
  ref: Ref,
  text: string,
): Promise<Put<StatementPutView>> {
  const parts = splitCompact(text, 'malformed')
  if (refOf(parts) !== ref) throw new KeyferryError('malformed', 'the address does not name this statement')
  const put = TYPES.get(typOf(parts))
  if (put === undefined) {
    const details = { check: 'statement-invalid' }
    throw new KeyferryError('statement-invalid', 'statements of this type are not put here', details)
  }
  return put(context, caller, text)
}

const HeaderShape: z.ZodType<{ alg: string; typ: string; kid: string }> = z.strictObject({
  alg: z.string(),
  typ: z.string(),
  kid: z.string(),
})

function typOf(parts: JwsParts): string {
  const octets = withErrorCode('malformed', () => fromBase64url(parts.protected))
  return readStrictly(HeaderShape, octets, 'malformed').typ
}
