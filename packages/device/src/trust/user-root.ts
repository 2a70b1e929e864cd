import {
  checkUserStatement,
  type EpochSeconds,
  inTime,
  KeyferryError,
  type Ref,
  type Statement,
  type Thumbprint,
  type UserId,
  type UserPayload,
} from '@keyferry/protocol'
import type { AcceptedName, LocalRules, Pin, TrustState } from './trust-state.ts'

/** Why this device believes that a root is who it thinks (PROTOCOL 3). */
export interface AcceptedRoot {
  readonly user: UserId
  readonly how: 'own' | 'pinned' | 'certified' | 'tofu'
  /** The name that pin or CA gives; null for a root believed without a name. */
  readonly username: string | null
  /** Thumbprints that MUST be in the chain of roots of the user's set (`set-rollback`). */
  readonly chainMustHold: readonly Thumbprint[]
  /** The certificate relied on: it MUST be in the log. */
  readonly certificate: Ref | null
  readonly accepted: AcceptedName | null
  readonly tofuPin: Pin | null
}

export interface RootQuestion {
  readonly user: UserId
  readonly certificates: readonly Statement<UserPayload>[]
  /** When a certificate must be in time: now (S7), or the KTI's `iat` (T3). */
  readonly at: EpochSeconds
  /** The name that a human, a rule or the own record named. */
  readonly expectedName?: string
  /** Slug for a root that nothing proves. */
  readonly untrusted: 'target-untrusted' | 'owner-untrusted'
}

/**
 * "Is this root who I think?" in the order of PROTOCOL 3: own user, pin, organisation CA, trust on first use.
 * @throws {KeyferryError} `target-untrusted` or `owner-untrusted`, `pin-conflict`, `user-ambiguous`
 */
export async function acceptRoot(state: TrustState, rules: LocalRules, question: RootQuestion): Promise<AcceptedRoot> {
  const { user, expectedName } = question
  const certificate = await trustedCertificate(state, question)
  refuseContradiction(state, user, certificate)
  const root = ownRoot(state, user) ?? pinned(state, user) ?? certified(certificate) ?? tofu(state, rules, question)
  if (root === null) throw new KeyferryError(question.untrusted, 'nothing proves whose root this is')
  if (expectedName !== undefined && root.username !== expectedName) {
    const code = root.how === 'pinned' ? 'pin-conflict' : question.untrusted
    throw new KeyferryError(code, 'this root goes by another name than the one that was named')
  }
  return root
}

/** The newest valid certificate of a CA of the trust file. */
async function trustedCertificate(state: TrustState, question: RootQuestion): Promise<Statement<UserPayload> | null> {
  let best: Statement<UserPayload> | null = null
  for (const certificate of question.certificates) {
    if (!state.trust.cas.includes(certificate.kid) || inTime(certificate.payload, question.at) !== 'in-time') continue
    try {
      await checkUserStatement(certificate, { origin: state.origin, caIds: state.trust.cas })
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
      continue // one that does not verify proves nothing
    }
    if (best === null || certificate.payload.iat > best.payload.iat) best = certificate
  }
  return best
}

/** A pin that contradicts a CA is an alarm; so are two roots under one name of one CA. */
function refuseContradiction(state: TrustState, user: UserId, certificate: Statement<UserPayload> | null): void {
  if (certificate === null) return
  const { username, replaces } = certificate.payload
  const byRoot = state.pin(user)
  const byName = state.pinNamed(username)
  if ((byRoot !== null && byRoot.username !== username) || (byName !== null && byName.user !== user)) {
    throw new KeyferryError('pin-conflict', 'a pin and an organisation CA contradict each other')
  }
  const before = state.acceptedName(certificate.kid, username)
  if (before !== null && before.user !== user && replaces?.includes(before.ref) !== true) {
    throw new KeyferryError('user-ambiguous', 'the CA gave this name to another root before')
  }
}

function ownRoot(state: TrustState, user: UserId): AcceptedRoot | null {
  if (user !== state.user) return null
  return { ...NOTHING, user, how: 'own', username: state.username }
}

function pinned(state: TrustState, user: UserId): AcceptedRoot | null {
  const pin = state.pin(user)
  if (pin === null) return null
  return { ...NOTHING, user, how: 'pinned', username: pin.username, chainMustHold: pin.root === null ? [] : [pin.root] }
}

function certified(certificate: Statement<UserPayload> | null): AcceptedRoot | null {
  if (certificate === null) return null
  const { user, username, root } = certificate.payload
  return {
    ...NOTHING,
    user,
    how: 'certified',
    username,
    chainMustHold: root === undefined ? [] : [root],
    certificate: certificate.ref,
    accepted: { ca: certificate.kid, username, user, ref: certificate.ref },
  }
}

function tofu(state: TrustState, rules: LocalRules, question: RootQuestion): AcceptedRoot | null {
  if (!rules.tofu) return null
  const username = question.expectedName ?? question.certificates[0]?.payload.username ?? null
  const since = question.at
  const pin: Pin | null =
    username === null || state.pinNamed(username) !== null
      ? null
      : { user: question.user, username, root: null, how: 'tofu', since }
  if (pin === null) return null
  return { ...NOTHING, user: question.user, how: 'tofu', username, tofuPin: pin }
}

const NOTHING = { chainMustHold: [], certificate: null, accepted: null, tofuPin: null } as const
