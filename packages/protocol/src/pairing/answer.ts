import * as z from 'zod'
import { KeyferryError, withErrorCode } from '../errors.ts'
import type { DeviceId, EnrolmentId, Ref, Thumbprint } from '../ids/ids.ts'
import { fromBase64url, toBase64url, utf8 } from '../json/base64url.ts'
import { type Ext, ExtShape, idShape, readStrictly, ThumbprintShape } from '../json/shapes.ts'
import { type CheckpointMark, CheckpointMarkShape } from '../statements/checkpoint-mark.ts'
import { type Challenge, type ChallengeBinding, ChallengeShape, readChallengeBinding } from './challenge.ts'

/** `answer` of step 4 (PROTOCOL 3): what a paired device tells the new one, under K2, past the server. */
export interface EnrolmentAnswer {
  v: 1
  en: EnrolmentId
  /** ref of the new device's statement. */
  statement: Ref
  /** ref of the current set of the user. */
  set: Ref
  serverKeys: Thumbprint[]
  /** The last checkpoint of the paired device. */
  checkpoint: CheckpointMark
  challenges: Challenge[]
  ext?: Ext
}

const AnswerShape: z.ZodType<EnrolmentAnswer> = z.strictObject({
  v: z.literal(1),
  en: idShape('en'),
  statement: ThumbprintShape,
  set: ThumbprintShape,
  serverKeys: z.array(ThumbprintShape).min(1),
  checkpoint: CheckpointMarkShape,
  challenges: z.array(ChallengeShape),
  ext: ExtShape.exactOptional(),
})

/** The answer as it travels: b64u of strict JSON. Its mac covers this text. */
export function writeEnrolmentAnswer(answer: Omit<EnrolmentAnswer, 'v'>): string {
  const { en, statement, set, serverKeys, checkpoint, challenges } = answer
  const json = { v: 1, en, statement, set, serverKeys, checkpoint, challenges }
  return toBase64url(utf8(JSON.stringify(json)))
}

/**
 * Reads an answer whose mac is right: that comes before all else.
 * @throws {KeyferryError} `statement-invalid`
 */
export function readEnrolmentAnswer(text: string): EnrolmentAnswer {
  const octets = withErrorCode('statement-invalid', () => fromBase64url(text))
  return readStrictly(AnswerShape, octets, 'statement-invalid')
}

/** What the new device knows when an answer arrives. */
export interface AnswerExpectation {
  readonly origin: string
  readonly en: EnrolmentId
  /** ref of its own statement. */
  readonly statement: Ref
  /** ref of the set that came beside the answer. */
  readonly set: Ref
  readonly me: DeviceId
  /** Its `enc` keys: kid -> alg. */
  readonly enc: ReadonlyMap<Thumbprint, string>
  /** Devices of that set. */
  readonly listed: ReadonlySet<DeviceId>
}

/** A challenge that may be opened. */
export interface CheckedChallenge extends Challenge {
  /** Octets of B, as they were written. */
  readonly bindingOctets: Uint8Array
  readonly alg: string
}

/**
 * Step 5: `en` and both refs, then each challenge: for a key of this device, once, its B with this device's own values and a
 * `src` of the set. Only then is a challenge opened. The set itself is checked under the root id of the pairing string.
 * @throws {KeyferryError} `statement-invalid` for the answer, `possession-failed` for a challenge.
 */
export function checkEnrolmentAnswer(answer: EnrolmentAnswer, expected: AnswerExpectation): CheckedChallenge[] {
  if (answer.en !== expected.en || answer.statement !== expected.statement || answer.set !== expected.set) {
    throw new KeyferryError('statement-invalid', 'the answer is for another enrolment')
  }
  const seen = new Set<Thumbprint>()
  return answer.challenges.map((challenge) => {
    if (seen.has(challenge.kid)) throw failed('a key is challenged twice')
    seen.add(challenge.kid)
    const bindingOctets = withErrorCode('possession-failed', () => fromBase64url(challenge.binding))
    const binding = readChallengeBinding(bindingOctets)
    checkBinding(binding, challenge.kid, expected)
    return { ...challenge, bindingOctets, alg: binding.alg }
  })
}

function checkBinding(binding: ChallengeBinding, kid: Thumbprint, expected: AnswerExpectation): void {
  const { origin, en, me, enc, listed } = expected
  const mine = binding.origin === origin && binding.en === en && binding.dst === me && binding.kid === kid
  // A key that is not mine has no alg here, so nothing equals it.
  if (!mine || binding.alg !== enc.get(kid)) throw failed('a challenge is not for this device')
  if (!listed.has(binding.src) || binding.src === me) throw failed('a challenge is not from a device of the set')
}

function failed(message: string): KeyferryError {
  return new KeyferryError('possession-failed', message)
}
