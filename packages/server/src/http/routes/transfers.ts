import { TransferIdShape } from '@keyferry/protocol'
import * as z from 'zod'
import { getTransfer, listTransfers } from '../../transfers/read.ts'
import { requestTransfer } from '../../transfers/request.ts'
import { TransferRequestShape } from '../../transfers/request-body.ts'
import { type TransferView, TransferViewShape } from '../../transfers/view.ts'
import { LimitShape, pageShape } from '../lists.ts'
import type { Routes } from '../parts.ts'
import { answerVersioned } from '../waiting.ts'
import { answers } from './answers.ts'
import { TransferParams } from './params.ts'

/** `/v1/transfers` (PROTOCOL 5, E1). */
export const transferRoutes: Routes = (app, parts) => {
  const { context, idempotency } = parts
  app.post(
    '/v1/transfers',
    {
      schema: {
        operationId: 'requestTransfer',
        summary: 'E1: ask for a transfer of a key',
        body: TransferRequestShape,
        response: answers({ 201: TransferViewShape }),
      },
      bodyLimit: context.limits.transferBytes,
      config: { media: 'application/json' },
    },
    async (request, reply) =>
      idempotency.once<TransferView>(request, reply, 201, (remember) =>
        requestTransfer(context, request.caller, request.body, remember),
      ),
  )

  app.get(
    '/v1/transfers',
    {
      schema: {
        operationId: 'listTransfers',
        summary: 'Transfers that the caller asked for or takes part in',
        querystring: z.strictObject({ limit: LimitShape, cursor: TransferIdShape.exactOptional() }),
        response: answers({ 200: pageShape(TransferViewShape) }),
      },
    },
    async ({ caller, query }) => listTransfers(context, caller, query),
  )

  app.get(
    '/v1/transfers/:tr',
    {
      schema: {
        operationId: 'getTransfer',
        summary: 'A transfer and its deliveries',
        params: TransferParams,
        response: answers({ 200: TransferViewShape }),
      },
    },
    async (request, reply) =>
      answerVersioned(parts, request, reply, request.params.tr, () =>
        getTransfer(context, request.caller, request.params.tr),
      ),
  )
}
