import {
  type DeliveryId,
  DeliveryIdShape,
  type DeviceId,
  type DeviceKind,
  DeviceKindShape,
  type EpochSeconds,
  EpochSecondsShape,
  type Exposure,
  ExposureShape,
  type KeyId,
  KeyIdShape,
  type Mechanism,
  MechanismShape,
  TextShape,
  type Thumbprint,
  ThumbprintShape,
  type UserId,
  UserNameShape,
} from '@keyferry/protocol'
import * as z from 'zod'

/** The call and the answer of PROTOCOL 6, shaped as the evaluation API of AuthZEN 1.0 (sections 5 and 6). */

export type AccessAction = 'keyferry.admit' | 'keyferry.release' | 'keyferry.collect'
export type AccessStage = 'ac1' | 'ac2'
export type ProofMethod = 'device-signature' | 'access-signature' | 'session'

/** Source or target, as far as policy may see it. */
export interface AccessParty {
  readonly device: DeviceId
  readonly user: UserId
  readonly kind: DeviceKind
  /** Of the best option until the order fixes it; the lowest while there is no option (at E1). */
  readonly exposure: Exposure
  /** Whether evidence for its keys was checked: says that they are in hardware, never whose they are. */
  readonly attested: boolean
  /** Whether its user or an administrator vetoed it. */
  readonly suspended: boolean
}

export interface AccessApproval {
  readonly by: UserId
  readonly decision: 'permit' | 'deny'
  readonly at: EpochSeconds
}

export interface AccessProof {
  readonly party: 'source' | 'target'
  readonly method: ProofMethod
  readonly at: EpochSeconds
  /** Whether a right one-time code came with it. */
  readonly code: boolean
}

export interface AccessCall {
  /** The requester. `properties` say what its id alone does not. */
  readonly subject: {
    readonly type: 'user' | 'device' | 'application'
    readonly id: Thumbprint
    readonly properties?: {
      /** Whose device it is. */
      readonly user?: UserId
      /** An application with a live grant that covers the key. */
      readonly grantee?: true
      /** At E1, where no target is known yet: it named only targets of its own user. */
      readonly forItself?: true
    }
  }
  readonly action: { readonly name: AccessAction }
  readonly resource: {
    readonly type: 'key'
    readonly id: KeyId
    readonly properties: { readonly class: 'user' | 'shared' | 'container'; readonly generation: number }
  }
  readonly context: {
    readonly stage: AccessStage
    /** Absent at E1: `delivery`, `attempt`, `target`, and `source` while there is none to choose. */
    readonly delivery?: DeliveryId
    readonly attempt?: number
    readonly purpose?: string
    readonly mechanism?: Mechanism
    readonly alg?: string
    readonly now: EpochSeconds
    readonly source?: AccessParty
    readonly target?: AccessParty
    readonly proof?: AccessProof
    readonly orderBy: 'source' | Thumbprint
    readonly approvals: readonly AccessApproval[]
    /** Devices with a receipt `installed` for this key. */
    readonly copies: number
    /** For keys of class `user`: whom the key belongs to. */
    readonly username?: string
  }
}

const AccessPartyShape: z.ZodType<AccessParty> = z.strictObject({
  device: ThumbprintShape,
  user: ThumbprintShape,
  kind: DeviceKindShape,
  exposure: ExposureShape,
  attested: z.boolean(),
  suspended: z.boolean(),
})

const ProofMethodShape = z.enum(['device-signature', 'access-signature', 'session'])

/** Strict, because it is also the body of our own `POST /access/v1/evaluation`. */
export const AccessCallShape: z.ZodType<AccessCall> = z.strictObject({
  subject: z.strictObject({
    type: z.enum(['user', 'device', 'application']),
    id: ThumbprintShape,
    properties: z
      .strictObject({
        user: ThumbprintShape.exactOptional(),
        grantee: z.literal(true).exactOptional(),
        forItself: z.literal(true).exactOptional(),
      })
      .exactOptional(),
  }),
  action: z.strictObject({ name: z.enum(['keyferry.admit', 'keyferry.release', 'keyferry.collect']) }),
  resource: z.strictObject({
    type: z.literal('key'),
    id: KeyIdShape,
    properties: z.strictObject({ class: z.enum(['user', 'shared', 'container']), generation: z.int().min(1) }),
  }),
  context: z.strictObject({
    stage: z.enum(['ac1', 'ac2']),
    delivery: DeliveryIdShape.exactOptional(),
    attempt: z.int().min(1).exactOptional(),
    purpose: TextShape.exactOptional(),
    mechanism: MechanismShape.exactOptional(),
    alg: TextShape.exactOptional(),
    now: EpochSecondsShape,
    source: AccessPartyShape.exactOptional(),
    target: AccessPartyShape.exactOptional(),
    proof: z
      .strictObject({
        party: z.enum(['source', 'target']),
        method: ProofMethodShape,
        at: EpochSecondsShape,
        code: z.boolean(),
      })
      .exactOptional(),
    orderBy: z.union([z.literal('source'), ThumbprintShape]),
    approvals: z.array(
      z.strictObject({ by: ThumbprintShape, decision: z.enum(['permit', 'deny']), at: EpochSecondsShape }),
    ),
    copies: z.int().min(0),
    username: UserNameShape.exactOptional(),
  }),
})

/** What a permit waits for. Each absent condition is no condition. */
export interface AccessConditions {
  /** So many users out of `from` say yes; with `code`, each with a one-time code. `count` 0 or an empty `from` denies. */
  readonly approvals?: { readonly count: number; readonly from: readonly UserId[]; readonly code?: true }
  /** A one-time code, with the proof or with the collection. */
  readonly code?: 'proof' | 'collect'
  /** A proof younger, or of another kind, than the proof window asks for. */
  readonly proof?: { readonly maxAgeSeconds: number; readonly method?: ProofMethod }
}

export interface AccessAnswer {
  readonly decision: boolean
  readonly context?: AccessConditions & {
    /** Slug of the policy that decided: `default/own-devices`. */
    readonly reason: string
  }
}

/** Slugs of policies and reasons: what a person may read in a refusal, so no free text. */
export const REASON_PATTERN: RegExp = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?(?:\/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)*$/

/** Of a decision point elsewhere: members that we do not know are ignored, those that we know must fit. */
export const AccessAnswerShape: z.ZodType<AccessAnswer> = z.object({
  decision: z.boolean(),
  context: z
    .object({
      reason: z.string().max(128).regex(REASON_PATTERN),
      approvals: z
        .object({
          count: z.int().min(0),
          from: z.array(ThumbprintShape).max(1000),
          code: z.literal(true).exactOptional(),
        })
        .exactOptional(),
      code: z.enum(['proof', 'collect']).exactOptional(),
      proof: z.object({ maxAgeSeconds: z.int().min(0), method: ProofMethodShape.exactOptional() }).exactOptional(),
    })
    .exactOptional(),
})
