import { EpochSecondsShape } from '@keyferry/protocol'
import * as z from 'zod'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'

/** For those who have nothing else to ask: the signed request is the proof (PROTOCOL 6). No one-time codes in this version. */
export const proofRoutes: Routes = (app, { context }) => {
  app.post(
    '/v1/proofs',
    {
      schema: {
        operationId: 'prove',
        summary: 'Prove that the caller is there',
        body: z.strictObject({}),
        response: answers({ 200: z.object({ validUntil: EpochSecondsShape }) }),
      },
      config: { media: 'application/json', accessKey: true, callers: ['device', 'user'] },
    },
    async ({ provedAt }) => ({ validUntil: provedAt + context.proofs.windowSeconds }),
  )
}
