import {
  type DeviceId,
  type EpochSeconds,
  EpochSecondsShape,
  idShape,
  type KeyClass,
  KeyClassShape,
  type KeyId,
  KeyIdShape,
  type KeyType,
  KeyTypeShape,
  TextShape,
  ThumbprintShape,
  UserNameShape,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { KeyRow } from '../store/rows.ts'

/** Body of `PUT /v1/keys/{key id}`: what is said of a key, never what it is (PROTOCOL 15). No member can hold key octets. */
export interface KeyBody {
  class: KeyClass
  type: KeyType
  generation: number
  /** Devices of the owner that hold it. */
  sources: DeviceId[]
  /** Names of RFC 7517 `key_ops`. */
  usages?: string[]
  /** Class `user`, and only there: whose key it is (PROTOCOL 13). */
  username?: string
  /** Class `container`, and only there. */
  container?: string
  label?: string
  validFrom?: EpochSeconds
  validUntil?: EpochSeconds
}

export const KeyBodyShape: z.ZodType<KeyBody> = z
  .strictObject({
    class: KeyClassShape,
    type: KeyTypeShape,
    generation: z.int().min(1),
    sources: z.array(ThumbprintShape).max(1000),
    usages: z.array(TextShape).max(16).exactOptional(),
    username: UserNameShape.exactOptional(),
    container: idShape('ct').exactOptional(),
    label: TextShape.exactOptional(),
    validFrom: EpochSecondsShape.exactOptional(),
    validUntil: EpochSecondsShape.exactOptional(),
  })
  .refine((key) => (key.class === 'user') === (key.username !== undefined))
  .refine((key) => (key.class === 'container') === (key.container !== undefined))
  .refine((key) => new Set(key.sources).size === key.sources.length)
  .refine((key) => key.validFrom === undefined || key.validUntil === undefined || key.validFrom < key.validUntil)

export interface KeyView extends KeyBody {
  id: KeyId
}
export const KeyViewShape: z.ZodType<KeyView> = z.object({
  id: KeyIdShape,
  class: KeyClassShape,
  type: KeyTypeShape,
  generation: z.number(),
  sources: z.array(ThumbprintShape),
  usages: z.array(z.string()).exactOptional(),
  username: z.string().exactOptional(),
  container: z.string().exactOptional(),
  label: z.string().exactOptional(),
  validFrom: z.number().exactOptional(),
  validUntil: z.number().exactOptional(),
})

export function keyView(row: KeyRow): KeyView {
  return {
    id: row.id,
    class: row.class,
    type: row.type as KeyType,
    generation: row.generation,
    sources: [...row.sources],
    ...(row.usages === null ? {} : { usages: [...row.usages] }),
    ...(row.username === null ? {} : { username: row.username }),
    ...(row.container === null ? {} : { container: row.container }),
    ...(row.label === null ? {} : { label: row.label }),
    ...(row.validFrom === null ? {} : { validFrom: row.validFrom }),
    ...(row.validUntil === null ? {} : { validUntil: row.validUntil }),
  }
}
