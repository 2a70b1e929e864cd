import * as z from 'zod'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 200

/** `?limit=` of a list: 1..200 (PROTOCOL 4). */
export const LimitShape: z.ZodType<number, string | undefined> = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/)
  .transform(Number)
  .pipe(z.int().max(MAX_LIMIT))
  .default(DEFAULT_LIMIT)

/** A count that stands in a query: decimal digits, no sign, no leading zero. */
export const QueryCountShape: z.ZodType<number, string> = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,15})$/)
  .transform(Number)
  .pipe(z.int())

/** An attempt that stands in a path. */
export const AttemptShape: z.ZodType<number, string> = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/)
  .transform(Number)

export interface Page<T> {
  items: T[]
  next?: string
}

/** `{"items":[],"next"?}` (PROTOCOL 4). */
export function pageShape<T>(item: z.ZodType<T>): z.ZodType<Page<T>> {
  return z.object({ items: z.array(item), next: z.string().exactOptional() })
}
