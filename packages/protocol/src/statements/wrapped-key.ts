import * as z from 'zod'
import type { SharedSecretId, Thumbprint } from '../ids/ids.ts'
import { AlgShape, b64uShape, idShape, ThumbprintShape } from '../json/shapes.ts'

/** JWE form of `wrapped`: a flattened JWE without `aad` (PROTOCOL 8, 3.). */
export interface WrappedJwe {
  protected: string
  encrypted_key: string
  /** Not with HPKE, whose ciphertext holds the tag. */
  iv?: string
  ciphertext: string
  tag?: string
}

/** Blob form of `wrapped` (PROTOCOL 8, 4.). */
export interface WrappedBlob {
  alg: string
  kid?: Thumbprint
  /** `A256KWP` instead of `kid`. */
  secret?: SharedSecretId
  blob: string
}

export type WrappedKey = WrappedJwe | WrappedBlob

const WrappedJweShape: z.ZodType<WrappedJwe> = z.strictObject({
  protected: b64uShape(),
  encrypted_key: b64uShape(),
  iv: b64uShape(12).exactOptional(),
  ciphertext: b64uShape(),
  tag: b64uShape(16).exactOptional(),
})
const WrappedBlobShape: z.ZodType<WrappedBlob> = z
  .strictObject({
    alg: AlgShape,
    kid: ThumbprintShape.exactOptional(),
    secret: idShape('ss').exactOptional(),
    blob: b64uShape(),
  })
  .refine(({ kid, secret }) => (kid === undefined) !== (secret === undefined))

export const WrappedKeyShape: z.ZodType<WrappedKey> = z.union([WrappedJweShape, WrappedBlobShape])

export function isWrappedJwe(wrapped: WrappedKey): wrapped is WrappedJwe {
  return 'protected' in wrapped
}
