import * as z from 'zod'
import { hmacSha256 } from '#platform'
import { KeyferryError } from '../errors.ts'
import type { DeviceId, EnrolmentId, Thumbprint } from '../ids/ids.ts'
import { toBase64url, utf8 } from '../json/base64url.ts'
import { AlgShape, b64uShape, idShape, OriginShape, readStrictly, ThumbprintShape } from '../json/shapes.ts'
import { type WrappedKey, WrappedKeyShape } from '../statements/wrapped-key.ts'
import { macMatches } from './pairing-mac.ts'

/** A challenge is 32 random octets, wrapped as a key of type `hmac` under one `enc` key of the new device (PROTOCOL 3). */
export const CHALLENGE_OCTETS = 32

/** B of a challenge. Its octets as written are what the wrapping is bound to, so keep them. */
export interface ChallengeBinding {
  v: 1
  origin: string
  en: EnrolmentId
  /** The paired device, which challenges. */
  src: DeviceId
  /** The new device. */
  dst: DeviceId
  /** Thumbprint of the `enc` key. */
  kid: Thumbprint
  alg: string
}

/** Exactly these members: N refuses others, `ext` too. */
const BindingShape: z.ZodType<ChallengeBinding> = z.strictObject({
  v: z.literal(1),
  origin: OriginShape,
  en: idShape('en'),
  src: ThumbprintShape,
  dst: ThumbprintShape,
  kid: ThumbprintShape,
  alg: AlgShape,
})

/** The octets of B; base64url of them is the `binding` of the challenge. */
export function makeChallengeBinding(binding: Omit<ChallengeBinding, 'v'>): Uint8Array {
  const { origin, en, src, dst, kid, alg } = binding
  return utf8(JSON.stringify({ v: 1, origin, en, src, dst, kid, alg }))
}

/** @throws {KeyferryError} `possession-failed` */
export function readChallengeBinding(octets: Uint8Array): ChallengeBinding {
  return readStrictly(BindingShape, octets, 'possession-failed')
}

/** One challenge, as an answer carries it. */
export interface Challenge {
  kid: Thumbprint
  /** b64u of B. */
  binding: string
  wrapped: WrappedKey
}
export const ChallengeShape: z.ZodType<Challenge> = z.strictObject({
  kid: ThumbprintShape,
  binding: b64uShape(),
  wrapped: WrappedKeyShape,
})

/** What the new device answers per `enc` key. */
export interface PossessionAnswer {
  kid: Thumbprint
  mac: string
}
export const PossessionAnswerShape: z.ZodType<PossessionAnswer> = z.strictObject({
  kid: ThumbprintShape,
  mac: b64uShape(32),
})

/** HMAC-SHA-256(C, ASCII("keyferry/1 possession." || en || "." || dst)), computable inside a token that has unwrapped C. */
function possession(challenge: Uint8Array, en: EnrolmentId, dst: DeviceId): Uint8Array {
  return hmacSha256(challenge, utf8(`keyferry/1 possession.${en}.${dst}`))
}

/** The `mac` by which a device shows that it can open what is wrapped for its `enc` key. */
export function possessionMac(challenge: Uint8Array, en: EnrolmentId, dst: DeviceId): string {
  return toBase64url(possession(challenge, en, dst))
}

/**
 * Step 6: one right answer for each `enc` key, and no other.
 * @param challenges - kid -> C, as the paired device made them: one for each `enc` key of the new device's statement.
 * @throws {KeyferryError} `possession-failed`
 */
export function checkPossession(
  answers: readonly PossessionAnswer[],
  challenges: ReadonlyMap<Thumbprint, Uint8Array>,
  en: EnrolmentId,
  dst: DeviceId,
): void {
  const answered = new Set<Thumbprint>()
  for (const { kid, mac } of answers) {
    const challenge = challenges.get(kid)
    if (challenge === undefined || answered.has(kid) || !macMatches(possession(challenge, en, dst), mac)) throw failed()
    answered.add(kid)
  }
  if (answered.size !== challenges.size) throw failed()
}

function failed(): KeyferryError {
  return new KeyferryError('possession-failed', 'the new device does not hold the keys that it names')
}
