import {
  type CheckpointMark,
  checkCheckpoint,
  checkConsistency,
  checkInclusion,
  checkpointMark,
  type EpochSeconds,
  type Evidence,
  fromBase64url,
  KeyferryError,
  type LogLeaf,
  makeLeaf,
  parseVkey,
  type TreeHead,
  type Trust,
} from '@keyferry/protocol'
import type { LocalRules, SeenCheckpoint, TrustState } from './trust-state.ts'

export interface LogQuestion {
  readonly evidence: Evidence
  /** What must be in the log; this device builds the leaves itself. */
  readonly logged: readonly LogLeaf[]
  /** The `since` that was asked; another process of this device may have moved the checkpoint meanwhile. */
  readonly since: number
  readonly now: EpochSeconds
  /** What the own set says from now on, else what was trusted so far. */
  readonly trust: Trust
  /** Fetches a consistency proof between two sizes (`GET /v1/log/consistency`). */
  readonly consistency: (from: number, to: number) => Promise<readonly string[]>
}

/**
 * The log part of S11 and T7: signature, cosignatures, growth, inclusion of each statement relied on.
 * @returns The checkpoint to keep, with its note.
 * @throws {KeyferryError} `checkpoint-invalid`, `checkpoint-stale`, `log-inconsistent`, `proof-invalid`
 */
export async function checkLog(state: TrustState, rules: LocalRules, question: LogQuestion): Promise<SeenCheckpoint> {
  const { evidence, trust, now } = question
  // A new log key, accepted in the own set, starts afresh (PROTOCOL 2.2).
  const last = state.checkpoint !== null && state.trust.log === trust.log ? headOf(state.checkpoint) : null
  const checkpoint = await checkCheckpoint(evidence.checkpoint, {
    log: parseVkey(trust.log),
    witnesses: trust.witnesses.map((text) => parseVkey(text)),
    quorum: trust.quorum,
    last,
    now,
    maxAgeSeconds: rules.maxCheckpointAgeSeconds,
  })
  if (last !== null && state.checkpoint !== null) {
    const asked = question.since === last.size ? evidence.consistency : undefined
    const path = asked ?? (await proofBetween(last, checkpoint, question))
    checkGrowth({ mine: state.checkpoint.note, shown: evidence.checkpoint }, last, checkpoint, path)
  }
  for (const leaf of question.logged)
    checkInclusion(makeLeaf(state.origin, leaf), evidence.proofs[leaf.ref], checkpoint)
  return { note: evidence.checkpoint, ...checkpointMark(checkpoint) }
}

/**
 * Whether the log only grew from one signed note to the other.
 * @throws {KeyferryError} `log-inconsistent` with both notes as details: the evidence to keep (PROTOCOL 11).
 */
export function checkGrowth(
  notes: { readonly mine: string; readonly shown: string },
  older: TreeHead,
  newer: TreeHead,
  path: readonly string[],
): void {
  try {
    checkConsistency(older, newer, path)
  } catch (cause) {
    if (!(cause instanceof KeyferryError) || cause.code !== 'log-inconsistent') throw cause
    throw new KeyferryError('log-inconsistent', cause.message, notes, { cause })
  }
}

async function proofBetween(older: TreeHead, newer: TreeHead, question: LogQuestion): Promise<readonly string[]> {
  return older.size === 0 || older.size === newer.size ? [] : question.consistency(older.size, newer.size)
}

/**
 * Whether the checkpoint that a KTI names fits this log. It is unsigned: a misfit rejects that delivery only.
 * @throws {KeyferryError} `log-inconsistent`
 */
export async function checkMark(
  mark: CheckpointMark,
  checkpoint: SeenCheckpoint,
  question: Pick<LogQuestion, 'consistency'>,
): Promise<void> {
  const [older, newer] = mark.size <= checkpoint.size ? [mark, checkpoint] : [checkpoint, mark]
  const path = older.size === 0 || older.size === newer.size ? [] : await question.consistency(older.size, newer.size)
  checkConsistency(headOf(older), headOf(newer), path)
}

function headOf(mark: CheckpointMark): TreeHead {
  return { size: mark.size, root: fromBase64url(mark.root) }
}
