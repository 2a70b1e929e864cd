import type * as z from 'zod'
import type { ContainerId, SharedSecretId, Thumbprint } from '../ids/ids.ts'
import { fromBase64url } from '../json/base64url.ts'
import { b64uShape, idShape, type Mechanism, TextShape, ThumbprintShape, UserNameShape } from '../json/shapes.ts'
import type { OrderKey } from './order-key.ts'

/** Members of order and KTI that the mechanism decides (PROTOCOL 7). */
export interface MechanismMembers {
  mechanism: Mechanism
  /** (a), (d): thumbprint of the transport key. */
  kid?: Thumbprint
  /** (b), (c) instead of `kid`. */
  secret?: SharedSecretId
  /** (c): b64u of 1..64 octets. */
  data?: string
  /** (d): the name of a directory in the source's own configuration. */
  directory?: string
}

/** Members of order, KtI and KTI that the class decides (PROTOCOL 13). */
export interface ClassMembers {
  key: OrderKey
  /** Class `user`: the name of the user whom the key belongs to. */
  username?: string
  /** Class `container`. */
  container?: ContainerId
}

export const DerivationDataShape: z.ZodType<string> = b64uShape().refine((text) => {
  const length = fromBase64url(text).length
  return length >= 1 && length <= 64
})

/** To be spread into the shapes of order and KTI. */
export const mechanismShapes: {
  kid: z.ZodExactOptional<z.ZodType<Thumbprint>>
  secret: z.ZodExactOptional<z.ZodType<SharedSecretId>>
  data: z.ZodExactOptional<z.ZodType<string>>
  directory: z.ZodExactOptional<z.ZodType<string>>
} = {
  kid: ThumbprintShape.exactOptional(),
  secret: idShape('ss').exactOptional(),
  data: DerivationDataShape.exactOptional(),
  directory: TextShape.exactOptional(),
}

/** To be spread into the shapes of order, KtI and KTI. */
export const classShapes: {
  username: z.ZodExactOptional<z.ZodType<string>>
  container: z.ZodExactOptional<z.ZodType<ContainerId>>
} = {
  username: UserNameShape.exactOptional(),
  container: idShape('ct').exactOptional(),
}

/** Whether exactly the members of its mechanism are there. */
export function hasMechanismMembers(value: MechanismMembers): boolean {
  const { mechanism, kid, secret, data, directory } = value
  const byKey = mechanism === 'public-key' || mechanism === 'directory'
  return (
    (kid !== undefined) === byKey &&
    (secret !== undefined) === !byKey &&
    (data !== undefined) === (mechanism === 'derived-key') &&
    (directory !== undefined) === (mechanism === 'directory')
  )
}

/** Whether `username` is there for class `user` alone, `container` for class `container` alone. */
export function hasClassMembers(value: ClassMembers): boolean {
  const { key, username, container } = value
  return (
    (username !== undefined) === (key.class === 'user') && (container !== undefined) === (key.class === 'container')
  )
}
