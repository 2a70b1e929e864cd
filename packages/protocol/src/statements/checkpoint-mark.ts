import * as z from 'zod'
import { b64uShape } from '../json/shapes.ts'

/** Size and root (32 octets, b64u) of a checkpoint that somebody relied on: evidence for later (PROTOCOL 7, 11). */
export interface CheckpointMark {
  size: number
  root: string
}

export const CheckpointMarkShape: z.ZodType<CheckpointMark> = z.strictObject({
  size: z.int().min(0),
  root: b64uShape(32),
})
