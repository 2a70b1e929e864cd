import * as z from 'zod'
import type { Ref, Thumbprint, UserId } from '../ids/ids.ts'
import type { PublicSigningJwk } from '../jose/jwk.ts'
import {
  type EpochSeconds,
  EpochSecondsShape,
  type Ext,
  ExtShape,
  OriginShape,
  SigningJwkShape,
  ThumbprintShape,
  UserNameShape,
} from '../json/shapes.ts'
import type { StatementType } from './statement.ts'

/** `kf-user+jwt`: an organisation CA calls the owner of this root by this name (PROTOCOL 2.3). */
export interface UserPayload {
  v: 1
  origin: string
  ca: PublicSigningJwk
  username: string
  user: UserId
  /** Thumbprint of the current root: it MUST be in the chain of the user's set. */
  root?: Thumbprint
  /** refs of statements of this CA that this one ends. */
  replaces?: Ref[]
  iat: EpochSeconds
  exp: EpochSeconds
  ext?: Ext
}

export const UserPayloadShape: z.ZodType<UserPayload> = z.strictObject({
  v: z.literal(1),
  origin: OriginShape,
  ca: SigningJwkShape,
  username: UserNameShape,
  user: ThumbprintShape,
  root: ThumbprintShape.exactOptional(),
  replaces: z.array(ThumbprintShape).exactOptional(),
  iat: EpochSecondsShape,
  exp: EpochSecondsShape,
  ext: ExtShape.exactOptional(),
})

export const userStatement: StatementType<UserPayload, 'kf-user+jwt'> = {
  typ: 'kf-user+jwt',
  shape: UserPayloadShape,
  code: 'statement-invalid',
}
