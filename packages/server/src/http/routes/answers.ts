import type { Problem, ProblemCode } from '@keyferry/protocol'
import * as z from 'zod'

/** RFC 9457 with the members of PROTOCOL 16, as the documentation shows it. */
const ProblemShape: z.ZodType<Problem> = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    detail: z.string().exactOptional(),
    code: z.custom<ProblemCode>().exactOptional(),
  })
  .meta({ description: 'application/problem+json (RFC 9457); clients decide on `code`' })

/** Answers of a route: its own, and problems. */
export function answers<Own extends Record<number, z.ZodType>>(
  own: Own,
): Own & { readonly '4xx': z.ZodType<Problem>; readonly '5xx': z.ZodType<Problem> } {
  return { ...own, '4xx': ProblemShape, '5xx': ProblemShape }
}

/** A body that is a compact JWS, `application/jose`. */
export const CompactShape: z.ZodType<string> = z.string().meta({ description: 'compact JWS' })

/** A body that is octets as received. */
export const OctetsShape: z.ZodType<Uint8Array> = z
  .custom<Uint8Array>((value) => value instanceof Uint8Array)
  .meta({ description: 'JWS, flattened JSON' })

/** 201 for the first time, 200 for the same again (PROTOCOL 4). */
export function putStatus(put: { readonly created: boolean }): 200 | 201 {
  return put.created ? 201 : 200
}

export const JOSE = 'application/jose'
export const JOSE_JSON = 'application/jose+json'
