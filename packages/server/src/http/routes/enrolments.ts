import { type EnrolmentId, idShape, KeyferryError, parseId, parseStrictJson } from '@keyferry/protocol'
import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { addressKey } from '../../rate/token-buckets.ts'
import { answerEnrolment } from '../../registry/answer-enrolment.ts'
import { claimEnrolment, EnrolmentClaimShape, EnrolmentClaimViewShape } from '../../registry/claim-enrolment.ts'
import { createEnrolment, EnrolmentOfferShape, EnrolmentRequestShape } from '../../registry/create-enrolment.ts'
import { denyEnrolment, EnrolmentDenialShape } from '../../registry/deny-enrolment.ts'
import {
  EnrolmentAnswerBodyShape,
  EnrolmentProofBodyShape,
  EnrolmentStateViewShape,
  EnrolmentViewShape,
} from '../../registry/enrolment-view.ts'
import { getEnrolment } from '../../registry/get-enrolment.ts'
import { broughtKey, claimantKey } from '../../registry/newcomer-key.ts'
import { proveEnrolment } from '../../registry/prove-enrolment.ts'
import type { Routes } from '../parts.ts'
import { contentOf, type RouteFacts } from '../request.ts'
import { answerVersioned } from '../waiting.ts'
import { answers, putStatus } from './answers.ts'
import { keyOrNone } from './statements.ts'

const Params = z.object({ en: idShape('en') })

/** Enrolment and pairing (PROTOCOL 3). */
export const enrolmentRoutes: Routes = (app, parts) => {
  const { context } = parts
  /** N goes on signing with the key of its claim until it is a device. */
  const byClaimantToo: RouteFacts = {
    accessKey: true,
    callers: ['device', 'user', 'newcomer'],
    newcomerKey: async (request, keyid) => claimantKey(context, enrolmentIn(request), keyid),
    whose: async (request) => getEnrolment(context, request.caller, enrolmentIn(request)),
  }

  app.post(
    '/v1/enrolments',
    {
      schema: {
        operationId: 'createEnrolment',
        summary: 'Step 1: invite a new device',
        body: EnrolmentRequestShape,
        response: answers({ 201: EnrolmentOfferShape }),
      },
      config: { media: 'application/json', callers: ['device', 'user'] },
    },
    async ({ caller, body }, reply) => reply.code(201).send(await createEnrolment(context, caller, body)),
  )

  app.post(
    '/v1/enrolments/claim',
    {
      schema: {
        operationId: 'claimEnrolment',
        summary: 'Step 2: the new device presents itself',
        body: EnrolmentClaimShape,
        response: answers({ 201: EnrolmentClaimViewShape, 200: EnrolmentClaimViewShape }),
      },
      bodyLimit: context.limits.setBytes,
      config: {
        media: 'application/json',
        accessKey: true,
        callers: ['device', 'newcomer'],
        newcomerKey: async (request, keyid) => {
          countClaim(request)
          return keyOrNone(() => broughtKey(statementIn(contentOf(request)), keyid))
        },
      },
    },
    async ({ caller, body }, reply) => {
      const put = await claimEnrolment(context, caller, body)
      return reply.code(putStatus(put)).send(put.view)
    },
  )

  app.get(
    '/v1/enrolments/:en',
    {
      schema: {
        operationId: 'getEnrolment',
        summary: 'Steps 3 and 5: how far it is, and what the other side sent',
        params: Params,
        response: answers({ 200: EnrolmentViewShape }),
      },
      config: byClaimantToo,
    },
    async (request, reply) =>
      answerVersioned(parts, request, reply, request.params.en, async () => {
        const { view, tag } = await getEnrolment(context, request.caller, request.params.en)
        return { view, version: tag }
      }),
  )

  app.put(
    '/v1/enrolments/:en/answer',
    {
      schema: {
        operationId: 'answerEnrolment',
        summary: 'Step 4: challenges for the new device',
        params: Params,
        body: EnrolmentAnswerBodyShape,
        response: answers({ 200: EnrolmentStateViewShape, 201: EnrolmentStateViewShape }),
      },
      bodyLimit: context.limits.setBytes,
      config: { media: 'application/json', callers: ['device', 'user'] },
    },
    async ({ caller, params, body }, reply) => {
      const put = await answerEnrolment(context, caller, params.en, body)
      return reply.code(putStatus(put)).send(put.view)
    },
  )

  app.put(
    '/v1/enrolments/:en/proof',
    {
      schema: {
        operationId: 'proveEnrolment',
        summary: 'Step 5: answers to the challenges',
        params: Params,
        body: EnrolmentProofBodyShape,
        response: answers({ 200: EnrolmentStateViewShape, 201: EnrolmentStateViewShape }),
      },
      config: { ...byClaimantToo, media: 'application/json' },
    },
    async ({ caller, params, body }, reply) => {
      const put = await proveEnrolment(context, caller, params.en, body)
      return reply.code(putStatus(put)).send(put.view)
    },
  )

  app.post(
    '/v1/enrolments/:en/denial',
    {
      schema: {
        operationId: 'denyEnrolment',
        summary: 'Either side stops',
        params: Params,
        body: EnrolmentDenialShape,
        response: answers({ 200: EnrolmentStateViewShape }),
      },
      config: { ...byClaimantToo, media: 'application/json' },
    },
    async ({ caller, params, body }) => denyEnrolment(context, caller, params.en, body),
  )

  /** Trying codes is limited per address; only whom the server does not know tries them (PROTOCOL 3). */
  function countClaim(request: FastifyRequest): void {
    const retryAfter = parts.claims.take(addressKey(request.ip), context.clock.now())
    if (retryAfter > 0) throw new KeyferryError('too-many-requests', 'too many codes were tried', { retryAfter })
  }
}

/** Of a request whose parameters were not looked at yet. */
function enrolmentIn(request: FastifyRequest): EnrolmentId {
  return parseId('en', (request.params as { en?: string }).en ?? '')
}

/** The statement in a claim that nobody has looked at yet. */
function statementIn(content: Uint8Array): string {
  const claim = parseStrictJson(content)
  const statement = typeof claim === 'object' && 'statement' in claim ? claim.statement : undefined
  return typeof statement === 'string' ? statement : ''
}
