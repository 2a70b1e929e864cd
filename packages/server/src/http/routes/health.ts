import type { Routes } from '../parts.ts'

/** For whoever runs the server: alive, and able to read what it keeps. */
export const healthRoutes: Routes = (app, { context }) => {
  const schema = { hide: true }
  app.get('/healthz', { schema, config: { open: true } }, async () => ({ status: 'ok' }))
  app.get('/readyz', { schema, config: { open: true } }, async (_request, reply) => {
    try {
      await context.read.leafCount()
      return { status: 'ready' }
    } catch {
      return reply.code(503).send({ status: 'unavailable' })
    }
  })
}
