import { KeyferryError, withErrorCode } from '../errors.ts'
import type { Signer } from '../jose/signer.ts'
import { fromBase64, toBase64, toBase64url } from '../json/base64url.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import type { CheckpointMark } from '../statements/checkpoint-mark.ts'
import { verifyCosignature } from './cosignature.ts'
import { readNote, type SignedNote, signNote, verifyNote } from './note.ts'
import type { Vkey } from './vkey.ts'

/** Size and root of a log's tree. */
export interface TreeHead {
  readonly size: number
  /** 32 octets. */
  readonly root: Uint8Array
}

/** A checkpoint of C2SP tlog-checkpoint: a signed note whose text is origin line, size, root; not yet verified. */
export interface Checkpoint extends TreeHead {
  readonly logName: string
  readonly note: SignedNote
}

/** Origin line and key name of a server's log: the origin without `https://`, then `/log` (PROTOCOL 11). */
export function logNameOf(origin: string): string {
  return `${origin.replace(/^https:\/\//, '')}/log`
}

export function checkpointText(logName: string, head: TreeHead): string {
  return `${logName}\n${head.size}\n${toBase64(head.root)}\n`
}

export async function signCheckpoint(head: TreeHead, vkey: Vkey, signer: Signer): Promise<string> {
  return signNote(checkpointText(vkey.name, head), vkey, signer)
}

const TEXT = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*$/

/**
 * Takes a checkpoint apart. Extension lines are signed with the rest and ignored.
 * @throws {KeyferryError} `checkpoint-invalid`
 */
export function readCheckpoint(text: string): Checkpoint {
  return withErrorCode('checkpoint-invalid', () => {
    const note = readNote(text)
    const [, logName = '', digits, base64 = ''] = TEXT.exec(note.text) ?? []
    const size = Number(digits)
    if (!Number.isSafeInteger(size)) throw invalid('not a checkpoint')
    return { logName, size, root: fromBase64(base64), note }
  })
}

/** Size and root as statements name them. */
export function checkpointMark(head: TreeHead): CheckpointMark {
  return { size: head.size, root: toBase64url(head.root) }
}

export interface CheckpointRules {
  /** Log key and witnesses of the trust file. */
  readonly log: Vkey
  readonly witnesses: readonly Vkey[]
  /** How many of the witnesses must have cosigned lately; with 0 no age can be checked. */
  readonly quorum: number
  /** The last checkpoint that this device verified and kept. */
  readonly last: TreeHead | null
  readonly now: EpochSeconds
  /** 24 h unless a rule says otherwise. */
  readonly maxAgeSeconds?: number
}

export const MAX_CHECKPOINT_AGE_SECONDS = 86_400

export interface CheckedCheckpoint extends Checkpoint {
  /** The time to go on with: not before any verified cosignature (PROTOCOL 1, clock). */
  readonly now: EpochSeconds
  /** The latest time that as many witnesses as the quorum, at least one, have signed; 0 where none has: what a clock may rest on. */
  readonly witnessedAt: EpochSeconds
}

/**
 * The checks of S11 and T7 on the checkpoint itself (PROTOCOL 11): its log, its log signature, no wrong cosignature, a quorum
 * in time, no smaller than the last. Growth from the last, and inclusion, are `checkConsistency` and `checkInclusion`.
 * @throws {KeyferryError} `checkpoint-invalid`, `checkpoint-stale` (ask again)
 */
export async function checkCheckpoint(text: string, rules: CheckpointRules): Promise<CheckedCheckpoint> {
  const checkpoint = readCheckpoint(text)
  if (checkpoint.logName !== rules.log.name) throw invalid('of another log')
  if ((await verifyNote(checkpoint.note, rules.log)) !== 'good')
    throw invalid('the checkpoint is not signed with the key of the log')
  const times = new Map<string, EpochSeconds>()
  for (const witness of rules.witnesses) {
    const time = await verifyCosignature(checkpoint.note, witness)
    if (time === 'wrong') throw invalid('a cosignature is wrong')
    // One key under two names is one witness.
    if (time !== 'absent') times.set(JSON.stringify(witness.jwk), time)
  }
  const now = Math.max(rules.now, ...times.values())
  const oldest = now - (rules.maxAgeSeconds ?? MAX_CHECKPOINT_AGE_SECONDS)
  const inTime = [...times.values()].filter((time) => time >= oldest).length
  if (inTime < rules.quorum) throw stale('too few witnesses have seen it lately')
  if (rules.last !== null && checkpoint.size < rules.last.size) throw stale('smaller than the last one')
  const latestFirst = [...times.values()].sort((a, b) => b - a)
  return { ...checkpoint, now, witnessedAt: latestFirst[Math.max(rules.quorum, 1) - 1] ?? 0 }
}

function invalid(message: string): KeyferryError {
  return new KeyferryError('checkpoint-invalid', message)
}

function stale(message: string): KeyferryError {
  return new KeyferryError('checkpoint-stale', message)
}
