import * as z from 'zod'

/** Answer of `GET /v1/log/consistency`: hashes, b64u, as RFC 9162 orders them. */
export const PathShape: z.ZodType<{ path: string[] }> = z.looseObject({ path: z.array(z.string()) })
