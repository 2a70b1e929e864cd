import { type JsonValue, KeyferryError, ownerOf, type TransportKeyInfo } from '@keyferry/protocol'
import type { Question, QuestionKind } from '../store/questions.ts'
import type { StartedTarget, StartedTransfer } from '../store/started.ts'
import type { CheckedSource } from '../trust/source-checks.ts'
import type { AgentParts } from './parts.ts'

/** What S12 comes to. */
export type Consent = 'given' | 'asked'

/**
 * S12: the local rule or the human. Unasked go: to own devices that are not browsers, keys marked `auto` and those that the human gave
 * this device once; what he started here and confirmed for exactly this target; what another device with role `order`, or a grantee,
 * ordered. A key for somebody else is asked about each time.
 * @throws {KeyferryError} `declined` if the human said no.
 */
export function askConsent(parts: AgentParts, kti: TransportKeyInfo, checked: CheckedSource): Consent {
  const redelivery = kti.redelivery && !startedHere(parts, kti) ? decide(parts, kti, checked, 'redelivery') : 'given'
  if (redelivery === 'asked') return 'asked'
  if (checked.order !== null || agreedBefore(parts, kti, checked)) return 'given'
  const consent = decide(parts, kti, checked, 'give')
  if (consent === 'given') {
    parts.store.consents.give({ key: kti.key.id, to: kti.target.device, at: parts.now() })
  }
  return consent
}

function agreedBefore(parts: AgentParts, kti: TransportKeyInfo, checked: CheckedSource): boolean {
  const { consents } = parts.store
  const ownDevice = kti.target.user === ownerOf(kti.key.id) && checked.target.kind !== 'browser'
  if (ownDevice && (checked.record.auto || consents.has(kti.key.id, kti.target.device))) return true
  return startedHere(parts, kti)
}

/** A confirmation given at the start counts only for the key, class and target entered then (S12). */
function startedHere(parts: AgentParts, kti: TransportKeyInfo): boolean {
  const started = parts.store.started.find(kti.tr)
  return started?.confirmed === true && isStartOf(started, kti)
}

function isStartOf({ key, targets, ...started }: StartedTransfer, kti: TransportKeyInfo): boolean {
  if (key !== kti.key.id || started.class !== kti.key.class) return false
  return targets.some((target) => target.device === kti.target.device || target.user === kti.target.user)
}

/**
 * Whether a transfer of this key to this target was asked for here and the answer is not there yet: it may be this one, and then its human
 * has agreed already.
 */
export function startUnanswered(parts: AgentParts, kti: TransportKeyInfo): boolean {
  const { started } = parts.store
  return started.find(kti.tr) === null && started.unanswered().some((one) => isStartOf(one, kti))
}

/** The name that the human entered or chose for the target's user when he started this transfer here, if he did. */
export function enteredName(parts: AgentParts, kti: TransportKeyInfo): string | undefined {
  const targets: readonly StartedTarget[] = parts.store.started.find(kti.tr)?.targets ?? []
  const named = targets.find((target) => target.device === kti.target.device || target.user === kti.target.user)
  return named?.username ?? undefined
}

function decide(parts: AgentParts, kti: TransportKeyInfo, checked: CheckedSource, kind: QuestionKind): Consent {
  return askHuman(parts, {
    dl: kti.dl,
    attempt: kti.attempt,
    kind,
    facts: {
      key: kti.key.id,
      label: parts.store.keys.find(kti.key.id)?.label ?? '',
      generation: kti.key.generation,
      target: kti.target.device,
      user: kti.target.user,
      username: checked.targetRoot.username ?? '',
      how: checked.targetRoot.how,
      targetKind: checked.target.kind,
      alg: checked.key.alg,
    },
    until: kti.deadline,
  })
}

/**
 * Asks, or finds the answer. A decision holds for exactly the facts that were shown.
 * @throws {KeyferryError} `declined`
 */
export function askHuman(
  parts: AgentParts,
  question: Pick<Question, 'dl' | 'attempt' | 'kind' | 'until'> & { readonly facts: Record<string, JsonValue> },
): Consent {
  const { questions } = parts.store
  const known = questions.find(question.dl, question.attempt, question.kind)
  questions.ask({ ...question, askedAt: parts.now() })
  const decision = questions.find(question.dl, question.attempt, question.kind)?.decision ?? null
  if (decision?.answer === 'no')
    throw new KeyferryError('declined', 'the human of this device said no', { by: 'human' })
  if (decision?.answer === 'yes') return 'given'
  if (known === null) {
    const label = typeof question.facts.label === 'string' ? question.facts.label : 'a key'
    parts.report({ kind: 'asks', dl: question.dl, question: question.kind, label })
  }
  return 'asked'
}
