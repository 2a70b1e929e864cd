import * as z from 'zod'
import type { DeliveryId, KeyId, Ref, TransferId } from '../ids/ids.ts'
import {
  CountShape,
  DeliveryIdShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Exposure,
  ExposureShape,
  type Ext,
  ExtShape,
  KeyIdShape,
  OriginShape,
  ThumbprintShape,
  TransferIdShape,
} from '../json/shapes.ts'
import { type CheckpointMark, CheckpointMarkShape } from './checkpoint-mark.ts'
import type { StatementType } from './statement.ts'

export interface ReceiptKey {
  id: KeyId
  generation: number
}

/** `kf-receipt+jwt`: the target's signed answer to one envelope (PROTOCOL 2). */
export interface ReceiptPayload {
  v: 1
  origin: string
  tr: TransferId
  dl: DeliveryId
  attempt: number
  /** ref of the order; left out only where it could not be read: {@link UNREADABLE_REASONS}. */
  order?: Ref
  /** ref of the envelope, or the one that T2 named if that could not be read. */
  envelope: Ref
  key?: ReceiptKey
  outcome: 'installed' | 'rejected'
  /** With `rejected`: the slug of the check that failed. */
  reason?: string
  /** With `installed`: what the target really did. */
  exposure?: Exposure
  checkpoint?: CheckpointMark
  iat: EpochSeconds
  ext?: Ext
}

/** Reasons with which `order` and `key` may be left out (PROTOCOL 2). */
export const UNREADABLE_REASONS: ReadonlySet<string> = new Set(['envelope-malformed', 'binding-mismatch'])

export const ReceiptPayloadShape: z.ZodType<ReceiptPayload> = z
  .strictObject({
    v: z.literal(1),
    origin: OriginShape,
    tr: TransferIdShape,
    dl: DeliveryIdShape,
    attempt: CountShape,
    order: ThumbprintShape.exactOptional(),
    envelope: ThumbprintShape,
    key: z.strictObject({ id: KeyIdShape, generation: CountShape }).exactOptional(),
    outcome: z.enum(['installed', 'rejected']),
    reason: z
      .string()
      .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
      .max(64)
      .exactOptional(),
    exposure: ExposureShape.exactOptional(),
    checkpoint: CheckpointMarkShape.exactOptional(),
    iat: EpochSecondsShape,
    ext: ExtShape.exactOptional(),
  })
  .refine(fitsOutcome)

function fitsOutcome(receipt: ReceiptPayload): boolean {
  const { outcome, reason, exposure, order, key } = receipt
  const complete = order !== undefined && key !== undefined
  if (outcome === 'installed') return exposure !== undefined && reason === undefined && complete
  return reason !== undefined && exposure === undefined && (complete || UNREADABLE_REASONS.has(reason))
}

export const receiptStatement: StatementType<ReceiptPayload, 'kf-receipt+jwt'> = {
  typ: 'kf-receipt+jwt',
  shape: ReceiptPayloadShape,
  code: 'receipt-invalid',
}
