import * as z from 'zod'
import type { KeyId } from '../ids/ids.ts'
import { CountShape, type EpochSeconds, EpochSecondsShape, KeyIdShape, TextShape } from '../json/shapes.ts'

export type KeyClass = 'user' | 'shared' | 'container'
export const KeyClassShape: z.ZodType<KeyClass> = z.enum(['user', 'shared', 'container'])

/** What the key octets are (PROTOCOL 2.4, 8). */
export type KeyType = 'aes' | 'hmac' | 'secret' | 'private' | 'age'
export const KeyTypeShape: z.ZodType<KeyType> = z.enum(['aes', 'hmac', 'secret', 'private', 'age'])

/** The object `key` of orders, KtI and KTI (PROTOCOL 2.4). */
export interface OrderKey {
  id: KeyId
  class: KeyClass
  generation: number
  type: KeyType
  /** Names of RFC 7517 `key_ops`. */
  usages?: string[]
  validFrom?: EpochSeconds
  validUntil?: EpochSeconds
}

export const OrderKeyShape: z.ZodType<OrderKey> = z.strictObject({
  id: KeyIdShape,
  class: KeyClassShape,
  generation: CountShape,
  type: KeyTypeShape,
  usages: z.array(TextShape).exactOptional(),
  validFrom: EpochSecondsShape.exactOptional(),
  validUntil: EpochSecondsShape.exactOptional(),
})
