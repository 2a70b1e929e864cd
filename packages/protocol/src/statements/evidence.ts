import * as z from 'zod'
import type { Ref } from '../ids/ids.ts'
import { b64uShape, ThumbprintShape } from '../json/shapes.ts'

/** An RFC 9162 inclusion proof: hashes (32 octets, b64u) in the order of the RFC (PROTOCOL 11). */
export interface InclusionProof {
  index: number
  path: string[]
}

/** What KtI and T2 answer bring so that a device can check for itself (PROTOCOL 7). */
export interface Evidence {
  /** ref -> compact JWS. Each name MUST be the ref of its value; what is not needed is ignored. */
  statements: Record<Ref, string>
  /** Signed note. */
  checkpoint: string
  /** One for each statement, and for the hand-over sets. */
  proofs: Record<Ref, InclusionProof>
  /** From the `since` asked to `checkpoint`; left out if `since` is 0. */
  consistency?: string[]
}

const HashShape = b64uShape(32)

/** To be spread into the shapes of KtI and T2 answer. */
export const evidenceShapes: {
  statements: z.ZodType<Record<Ref, string>>
  checkpoint: z.ZodType<string>
  proofs: z.ZodType<Record<Ref, InclusionProof>>
  consistency: z.ZodExactOptional<z.ZodArray<z.ZodType<string>>>
} = {
  statements: z.record(ThumbprintShape as z.ZodType<Ref, string>, z.string()),
  checkpoint: z.string(),
  proofs: z.record(
    ThumbprintShape as z.ZodType<Ref, string>,
    z.strictObject({ index: z.int().min(0), path: z.array(HashShape) }),
  ),
  consistency: z.array(HashShape).exactOptional(),
}
