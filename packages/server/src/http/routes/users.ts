import { ThumbprintShape, UserNameShape } from '@keyferry/protocol'
import * as z from 'zod'
import { listUsers, UserListShape } from '../../registry/list-users.ts'
import { findUserByName, getUser, UserViewShape } from '../../registry/users.ts'
import { LimitShape } from '../lists.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'

const Query = z.union([
  z.strictObject({ name: UserNameShape }),
  z.strictObject({ limit: LimitShape, cursor: ThumbprintShape.exactOptional() }),
])

/** `/v1/users` (PROTOCOL 15). Without `name` it is the list for administrators. */
export const userRoutes: Routes = (app, { context }) => {
  app.get(
    '/v1/users/:id',
    {
      schema: {
        operationId: 'getUser',
        summary: 'Set, certificate and devices of a user',
        params: z.object({ id: ThumbprintShape }),
        response: answers({ 200: UserViewShape }),
      },
    },
    async ({ caller, params }) => getUser(context, caller, params.id),
  )

  app.get(
    '/v1/users',
    {
      schema: {
        operationId: 'findUser',
        summary: 'Find a user by name; list users (administrators)',
        querystring: Query,
        response: answers({ 200: z.union([UserViewShape, UserListShape]) }),
      },
    },
    async ({ caller, query }) => {
      if ('name' in query) return findUserByName(context, caller, query.name)
      const { limit, cursor } = query
      return listUsers(context, caller, { limit, ...(cursor === undefined ? {} : { after: cursor }) })
    },
  )
}
