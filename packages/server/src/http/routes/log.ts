import { KeyferryError } from '@keyferry/protocol'
import * as z from 'zod'
import { reportNote } from '../../log/report-note.ts'
import { QueryCountShape } from '../lists.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'
import { type TilePath, tilePath } from './tile-path.ts'

const IMMUTABLE = 'public, max-age=31536000, immutable'
const OCTETS = 'application/octet-stream'
const Rest = z.object({ '*': z.string() })

/** The transparency log (PROTOCOL 11): C2SP tlog-tiles under `/log`, proofs and reports under `/v1/log`. */
export const logRoutes: Routes = (app, { context, reportMisfit }) => {
  const { log } = context
  app.get(
    '/log/checkpoint',
    { schema: { summary: 'Signed note of the log' }, config: { open: true } },
    async (_, reply) => reply.header('content-type', 'text/plain; charset=utf-8').send(await log.checkpoint(log.size)),
  )

  app.get(
    '/log/tile/:level/*',
    {
      schema: { summary: 'Hash tile (C2SP tlog-tiles)', params: z.object({ level: z.string(), '*': z.string() }) },
      config: { open: true },
    },
    async ({ params }, reply) => {
      const level = /^(?:0|[1-5])$/.test(params.level) ? Number(params.level) : null
      const { index, width } = found(tilePath(params['*']))
      const octets = found(level === null ? null : await log.tile(level, index, width))
      return reply.header('content-type', OCTETS).header('cache-control', IMMUTABLE).send(octets)
    },
  )

  // Some tags can be guessed, so entries are for those whom the server knows.
  app.get(
    '/log/tile/entries/*',
    { schema: { summary: 'Leaves (C2SP tlog-tiles), signed request', params: Rest }, config: { accessKey: true } },
    async ({ params }, reply) => {
      const { index, width } = found(tilePath(params['*']))
      const octets = found(await log.entries(index, width))
      return reply.header('content-type', OCTETS).header('cache-control', 'private, max-age=31536000').send(octets)
    },
  )

  app.get(
    '/v1/log/consistency',
    {
      schema: {
        operationId: 'getConsistency',
        summary: 'Proof that one size of the log extends another (RFC 9162)',
        querystring: z.strictObject({ from: QueryCountShape, to: QueryCountShape }),
        response: answers({ 200: z.object({ path: z.array(z.string()) }) }),
      },
      config: { accessKey: true },
    },
    async ({ query: { from, to } }) => {
      if (from > to || to > log.size) throw new KeyferryError('malformed', 'the log has no such sizes')
      return { path: await log.consistencyProof(from, to) }
    },
  )

  const Report = z.object({ fits: z.boolean() })
  app.post(
    '/v1/log/reports',
    {
      schema: {
        operationId: 'reportNote',
        summary: 'Show the server a note of its log that may not fit',
        body: z.string().meta({ description: 'signed note' }),
        response: answers({ 200: Report, 202: Report }),
      },
      config: { media: 'text/plain', accessKey: true, callers: ['device', 'application'] },
    },
    async ({ body }, reply) => {
      const fits = await reportNote(log, body, reportMisfit)
      return reply.code(fits ? 200 : 202).send({ fits })
    },
  )
}

/** @throws {KeyferryError} `not-found` */
function found<T extends TilePath | Uint8Array>(value: T | null): T {
  if (value === null) throw new KeyferryError('not-found', 'the log has no such tile')
  return value
}
