import * as z from 'zod'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'

const ConfigurationShape = z.object({
  versions: z.array(z.number()),
  origin: z.string(),
  keys: z.array(z.record(z.string(), z.string())),
  log: z.object({ url: z.string(), key: z.string(), witnesses: z.array(z.string()) }),
  cas: z.array(z.string()),
  suites: z.array(z.string()),
  mechanisms: z.array(z.string()),
  channels: z.array(z.string()),
  proofWindowSeconds: z.number(),
  limits: z.record(z.string(), z.number()),
})

/** What devices learn of a server (PROTOCOL 17). Signed by the key that signs now, so a new key comes vouched for by the old. */
export const configurationRoutes: Routes = (app, { context, keys, published }) => {
  app.get(
    '/.well-known/keyferry',
    {
      schema: {
        operationId: 'getConfiguration',
        summary: 'Configuration of this server',
        response: answers({ 200: ConfigurationShape }),
      },
      config: { open: true },
    },
    async () => ({
      versions: [1],
      origin: context.origin,
      keys: keys.listedAt(context.clock.now()).map((jwk) => ({ ...jwk })),
      log: { url: `${context.origin}/log`, key: published.logKey, witnesses: [...published.witnesses] },
      cas: [...published.cas],
      suites: [...context.suites],
      mechanisms: ['public-key'],
      channels: ['inbox', 'sse'],
      proofWindowSeconds: context.proofs.windowSeconds,
      limits: { ...context.limits },
    }),
  )
}
