import { type EpochSeconds, EpochSecondsShape, type TransferId, TransferIdShape } from '@keyferry/protocol'
import * as z from 'zod'

/** One delivery of a transfer as the server shows it (PROTOCOL 5). */
export interface DeliveryShown {
  readonly dl: string
  readonly tr: string
  readonly state: string
  readonly stage?: string
  readonly reason?: string
  readonly waitingFor: readonly string[]
  readonly attempt: number
  readonly key: { readonly id: string; readonly generation: number }
  readonly source: string
  readonly target: string
  readonly deadline: EpochSeconds
  readonly changedAt: EpochSeconds
}
export const DeliveryShownShape: z.ZodType<DeliveryShown> = z.looseObject({
  dl: z.string(),
  tr: z.string(),
  state: z.string(),
  stage: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  waitingFor: z.array(z.string()),
  attempt: z.int().min(1),
  key: z.looseObject({ id: z.string(), generation: z.int() }),
  source: z.string(),
  target: z.string(),
  deadline: EpochSecondsShape,
  changedAt: EpochSecondsShape,
})

export interface TransferShown {
  readonly tr: TransferId
  readonly state: string
  readonly requester: string
  readonly key: string
  readonly deadline: EpochSeconds
  readonly deliveries: readonly DeliveryShown[]
}
export const TransferShownShape: z.ZodType<TransferShown> = z.looseObject({
  tr: TransferIdShape,
  state: z.string(),
  requester: z.string(),
  key: z.string(),
  deadline: EpochSecondsShape,
  deliveries: z.array(DeliveryShownShape),
})
