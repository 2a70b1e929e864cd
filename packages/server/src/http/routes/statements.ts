import { KeyferryError, type PublicSigningJwk, type Thumbprint, ThumbprintShape } from '@keyferry/protocol'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { getStatement } from '../../registry/get-statement.ts'
import { broughtKey } from '../../registry/newcomer-key.ts'
import { putStatement } from '../../registry/put-statement.ts'
import { StatementPutViewShape } from '../../registry/statement-row.ts'
import type { Routes } from '../parts.ts'
import { contentOf } from '../request.ts'
import { answers, CompactShape, JOSE, putStatus } from './answers.ts'

const Params = z.object({ ref: ThumbprintShape })

/** `/v1/statements/{ref}` (PROTOCOL 15). */
export const statementRoutes: Routes = (app, { context }) => {
  app.put(
    '/v1/statements/:ref',
    {
      schema: {
        operationId: 'putStatement',
        summary: 'Put a device, device-set, user or grant statement',
        params: Params,
        body: CompactShape,
        response: answers({ 200: StatementPutViewShape, 201: StatementPutViewShape }),
      },
      bodyLimit: context.limits.setBytes,
      config: {
        media: JOSE,
        accessKey: true,
        callers: ['device', 'user', 'application', 'newcomer'],
        newcomerKey: keyInStatement,
      },
    },
    async ({ caller, params, body }, reply) => {
      const put = await putStatement(context, caller, params.ref, body)
      return reply.code(putStatus(put)).send(put.view)
    },
  )

  app.get(
    '/v1/statements/:ref',
    {
      schema: { operationId: 'getStatement', summary: 'Read a statement, an order or a receipt', params: Params },
      config: { accessKey: true },
    },
    async ({ caller, params }, reply) => {
      const text = await getStatement(context, caller, params.ref)
      return reply.header('content-type', JOSE).send(Buffer.from(text))
    },
  )
}

/** A statement with a new `access` key is put under an HTTP signature by that key (PROTOCOL 2.1). */
async function keyInStatement(request: FastifyRequest, keyid: Thumbprint): Promise<PublicSigningJwk | null> {
  return keyOrNone(() => broughtKey(Buffer.from(contentOf(request)).toString('latin1'), keyid))
}

/** What cannot be read brings no key: the signature comes before the form of the body. */
export function keyOrNone(read: () => PublicSigningJwk | null): PublicSigningJwk | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof KeyferryError) return null
    throw error
  }
}
