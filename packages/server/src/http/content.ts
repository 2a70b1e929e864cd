import { type ErrorCode, fitShape, fromUtf8, KeyferryError, parseStrictJson } from '@keyferry/protocol'
import type { FastifyRequest, FastifySchemaCompiler } from 'fastify'
import type * as z from 'zod'
import { contentOf, header, type RequestMedia } from './request.ts'

/** JSON and text may say their charset, which can only be this one. */
const PARAMETERS = /^ *; *charset="?utf-8"?$/i

/**
 * Media type and outer form of a body (PROTOCOL 4): strict JSON, compact JWS and notes as text, or the octets of an envelope.
 * @throws {KeyferryError} `unsupported-media`, `malformed`
 */
export function readBody(request: FastifyRequest, media: RequestMedia): unknown {
  const content = contentOf(request)
  if (!isMedia(header(request, 'content-type'), media)) {
    throw new KeyferryError('unsupported-media', `the content has to be ${media}`)
  }
  const coding = header(request, 'content-encoding')
  if (coding !== undefined && coding !== 'identity') {
    throw new KeyferryError('unsupported-media', 'content codings are not taken')
  }
  if (media === 'application/json') return parseStrictJson(content)
  return media === 'application/jose+json' ? content : fromUtf8(content)
}

function isMedia(type: string | undefined, media: RequestMedia): boolean {
  if (type === media) return true
  if (type === undefined) return false
  return type.slice(0, media.length).toLowerCase() === media && PARAMETERS.test(type.slice(media.length))
}

/** What a part of a request that has not its shape is called. */
const FAULTS: Record<string, ErrorCode> = { params: 'id-invalid' }

/** zod shapes as fastify validators: what they read is what handlers get, what they refuse is a problem like any other. */
export const shapeValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const code = FAULTS[httpPart ?? ''] ?? 'malformed'
  return (value: unknown) => {
    try {
      return { value: fitShape(schema, value, code) }
    } catch (error) {
      return { error: error as Error }
    }
  }
}
