import {
  type DevicePayload,
  type DeviceSetPayload,
  type EpochSeconds,
  type LogLeaf,
  makeLeaf,
  type Ref,
  type Statement,
  ThumbprintShape,
  thumbprint,
  type UserId,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { Decided, Put } from './unit-of-work.ts'

/** Answer to `PUT /v1/statements/{ref}`. A hand-over set that waits for its successor has no `index`. */
export interface StatementPutView {
  ref: Ref
  index?: number
}
export const StatementPutViewShape: z.ZodType<StatementPutView> = z.object({
  ref: ThumbprintShape,
  index: z.number().exactOptional(),
})

export interface Filing {
  readonly user: UserId
  readonly subject: string
  /** Orders the statements of a user: its `seq`, or its `iat` where it has none. */
  readonly seq: number
}

/** Keeps a statement exactly as it was received. */
export function statementChange(statement: Statement<unknown>, filing: Filing, now: EpochSeconds): Change {
  const { ref, typ, text } = statement
  return { kind: 'put-statement', row: { ref, typ, text, ...filing, createdAt: now } }
}

export function deviceStatementChange(statement: Statement<DevicePayload>, now: EpochSeconds): Change {
  const { user, seq, jwk } = statement.payload
  return statementChange(statement, { user, subject: thumbprint(jwk), seq }, now)
}

export function deviceSetChange(statement: Statement<DeviceSetPayload>, now: EpochSeconds): Change {
  const { user, seq } = statement.payload
  return statementChange(statement, { user, subject: '', seq }, now)
}

/** The leaf of a statement (PROTOCOL 11), in the unit of work that makes it count. */
export function leafChange(origin: string, leaf: LogLeaf): Change {
  return { kind: 'append-leaf', ref: leaf.ref, text: makeLeaf(origin, leaf) }
}

/** The answer for a statement that the server has: same ref, same statement, whatever its signature octets (PROTOCOL 2). */
export async function knownStatement(
  context: Pick<ServerContext, 'read'>,
  ref: Ref,
): Promise<Decided<Put<StatementPutView>> | null> {
  if ((await context.read.statement(ref)) === null) return null
  const index = await context.read.leafIndex(ref)
  return { changes: [], answer: () => ({ view: index === null ? { ref } : { ref, index }, created: false }) }
}

/** The answer once the unit is durable; `leaf` is the leaf of this statement among those of the changes. */
export function filed(ref: Ref, changes: readonly Change[]): Decided<Put<StatementPutView>> {
  const leaf = changes.filter((change) => change.kind === 'append-leaf').findIndex((change) => change.ref === ref)
  return {
    changes,
    answer(leafIndexes) {
      const index = leafIndexes[leaf]
      return { view: index === undefined ? { ref } : { ref, index }, created: true }
    },
  }
}
