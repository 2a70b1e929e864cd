import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform } from 'fastify-type-provider-zod'

/** Registers what gathers the schemas of all routes that are added afterwards. */
export async function gatherOpenApi(app: FastifyInstance, origin: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Keyferry server',
        version: '1',
        description:
          'Requests are signed with HTTP Message Signatures (RFC 9421) by the profile of Keyferry protocol 1, section 4; so are all answers under /v1. Errors are application/problem+json (RFC 9457) with `code`.',
      },
      servers: [{ url: origin }],
    },
    // What JSON Schema cannot say (strict b64u, custom checks) is said by the protocol.
    transform: createJsonSchemaTransform({ zodToJsonConfig: { unrepresentable: 'any' } }),
  })
}

/** OpenAPI 3.1 made from the schemas that also check the requests. Made once, when it is first asked for. */
export function serveOpenApi(app: FastifyInstance): void {
  let text: string | null = null
  app.get('/openapi.json', { schema: { hide: true }, config: { open: true } }, async (_request, reply) => {
    text ??= JSON.stringify(app.swagger())
    return reply.header('content-type', 'application/json; charset=utf-8').send(text)
  })
}
