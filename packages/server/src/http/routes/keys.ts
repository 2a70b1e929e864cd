import { type KeyId, KeyIdShape, parseKeyId } from '@keyferry/protocol'
import * as z from 'zod'
import { getKey, KeyListShape, listKeys } from '../../registry/get-key.ts'
import { KeyBodyShape, KeyViewShape } from '../../registry/key-view.ts'
import { putKey } from '../../registry/put-key.ts'
import { withdrawKey } from '../../registry/withdraw-key.ts'
import { LimitShape } from '../lists.ts'
import type { Routes } from '../parts.ts'
import { etagOf, optionalPreconditionOf, preconditionOf } from '../preconditions.ts'
import { answers, putStatus } from './answers.ts'

/** A key id is two path segments (PROTOCOL 15). */
const Params = z.object({ owner: z.string(), key: z.string() })

function keyIdOf(params: { owner: string; key: string }): KeyId {
  return parseKeyId(`${params.owner}/${params.key}`)
}

/** `/v1/keys/{key id}`: what is said of a key. No schema has a field for key octets. */
export const keyRoutes: Routes = (app, { context }) => {
  app.put(
    '/v1/keys/:owner/:key',
    {
      schema: {
        operationId: 'putKey',
        summary: 'Describe a key, or change its description',
        params: Params,
        body: KeyBodyShape,
        response: answers({ 200: KeyViewShape, 201: KeyViewShape }),
      },
      config: { media: 'application/json' },
    },
    async (request, reply) => {
      const id = keyIdOf(request.params)
      const put = await putKey(context, request.caller, id, request.body, preconditionOf(request))
      return reply.code(putStatus(put)).header('etag', etagOf(put.version)).send(put.view)
    },
  )

  app.get(
    '/v1/keys/:owner/:key',
    {
      schema: {
        operationId: 'getKey',
        summary: 'What is said of a key',
        params: Params,
        response: answers({ 200: KeyViewShape }),
      },
    },
    async ({ caller, params }, reply) => {
      const { view, version } = await getKey(context, caller, keyIdOf(params))
      return reply.header('etag', etagOf(version)).send(view)
    },
  )

  app.delete(
    '/v1/keys/:owner/:key',
    { schema: { operationId: 'withdrawKey', summary: 'Withdraw a key', params: Params } },
    async (request, reply) => {
      await withdrawKey(context, request.caller, keyIdOf(request.params), optionalPreconditionOf(request))
      return reply.code(204).send()
    },
  )

  app.get(
    '/v1/keys',
    {
      schema: {
        operationId: 'listKeys',
        summary: "Keys of the caller's user",
        querystring: z.strictObject({ limit: LimitShape, cursor: KeyIdShape.exactOptional() }),
        response: answers({ 200: KeyListShape }),
      },
    },
    async ({ caller, query: { limit, cursor } }) =>
      listKeys(context, caller, { limit, ...(cursor === undefined ? {} : { after: cursor }) }),
  )
}
