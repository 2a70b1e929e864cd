import { ThumbprintShape } from '@keyferry/protocol'
import * as z from 'zod'
import { ApplicationBodyShape, ApplicationViewShape, putApplication } from '../../registry/applications.ts'
import type { Routes } from '../parts.ts'
import { etagOf, preconditionOf } from '../preconditions.ts'
import { answers, putStatus } from './answers.ts'

/** `PUT /v1/applications/{id}` (PROTOCOL 15): administrators only. */
export const applicationRoutes: Routes = (app, { context }) => {
  app.put(
    '/v1/applications/:id',
    {
      schema: {
        operationId: 'putApplication',
        summary: 'Register the key of an application server',
        params: z.object({ id: ThumbprintShape }),
        body: ApplicationBodyShape,
        response: answers({ 200: ApplicationViewShape, 201: ApplicationViewShape }),
      },
      config: { media: 'application/json' },
    },
    async (request, reply) => {
      const { caller, params, body } = request
      const put = await putApplication(context, caller, params.id, body, preconditionOf(request))
      return reply.code(putStatus(put)).header('etag', etagOf(put.version)).send(put.view)
    },
  )
}
