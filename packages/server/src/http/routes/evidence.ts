import * as z from 'zod'
import { evidence } from '../../transfers/evidence.ts'
import { listDecisions } from '../../transfers/read.ts'
import { DeliveryViewShape } from '../../transfers/view.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { DeliveryParams } from './params.ts'

const EvidenceShape = z.object({
  delivery: DeliveryViewShape,
  envelope: z.string().exactOptional(),
  decisions: z.array(z.string()),
  statements: z.record(z.string(), z.string()),
  checkpoint: z.string(),
  proofs: z.record(z.string(), z.object({ index: z.number(), path: z.array(z.string()) })),
  consistency: z.array(z.string()).exactOptional(),
})

/** What is left for an auditor (PROTOCOL 6, 15). */
export const evidenceRoutes: Routes = (app, { context }) => {
  app.get(
    '/v1/deliveries/:dl/decisions',
    {
      schema: {
        operationId: 'listDecisions',
        summary: 'Decision records of a delivery',
        params: DeliveryParams,
        response: answers({ 200: z.object({ items: z.array(z.unknown()) }) }),
      },
    },
    async ({ caller, params }) => listDecisions(context, caller, params.dl),
  )

  app.get(
    '/v1/deliveries/:dl/evidence',
    {
      schema: {
        operationId: 'getEvidence',
        summary: 'All statements and proofs of a delivery',
        params: DeliveryParams,
        response: answers({ 200: EvidenceShape }),
      },
    },
    async ({ caller, params }) => evidence(context, caller, params.dl),
  )
}
