import {
  equalJson,
  type JsonValue,
  KeyferryError,
  type MinExposure,
  ownerOf,
  reachesExposure,
  type TransportKeyInfo,
} from '@keyferry/protocol'
import type { Question, QuestionKind } from '../store/questions.ts'
import type { StartedTarget, StartedTransfer } from '../store/started.ts'
import type { CheckedSource } from '../trust/source-checks.ts'
import type { AgentParts } from './parts.ts'

/** What S12 comes to. */
export type Consent = 'given' | 'asked'

/**
 * S12: the local rule or the human. Unasked go: to own devices that are not browsers, keys marked `auto` and those that the human gave
 * this device once; what he started here and confirmed for exactly this; what another device with role `order`, or a grantee, ordered.
 * A key for somebody else is asked about each time. That a target gets a generation once more is his word alone, or what he started
 * with (S4): who says yes to that has said yes to giving it.
 * @throws {KeyferryError} `declined` if the human said no.
 */
export function askConsent(parts: AgentParts, kti: TransportKeyInfo, checked: CheckedSource): Consent {
  const started = startedHere(parts, kti)
  if (kti.redelivery && !started) return askOnce(parts, kti, checked, 'redelivery')
  if (checked.order !== null || started || agreedBefore(parts, kti, checked)) return 'given'
  return askOnce(parts, kti, checked, 'give')
}

/** A yes is kept: it holds for this key and target from now on, where the rule lets it. */
function askOnce(parts: AgentParts, kti: TransportKeyInfo, checked: CheckedSource, kind: QuestionKind): Consent {
  const consent = decide(parts, kti, checked, kind)
  if (consent === 'given') {
    parts.store.consents.give({ key: kti.key.id, to: kti.target.device, at: parts.now() })
  }
  return consent
}

function agreedBefore(parts: AgentParts, kti: TransportKeyInfo, checked: CheckedSource): boolean {
  if (isStartedForOthers(parts, kti)) return false
  const ownDevice = kti.target.user === ownerOf(kti.key.id) && checked.target.kind !== 'browser'
  return ownDevice && (checked.record.auto || parts.store.consents.has(kti.key.id, kti.target.device))
}

/** A confirmation given at the start counts only for what was entered then (S12): the server may not ask for more in its name. */
function startedHere(parts: AgentParts, kti: TransportKeyInfo): boolean {
  const started = parts.store.started.find(kti.tr)
  return started?.confirmed === true && isStartOf(started, kti) && isWithin(started, kti)
}

/** Its human was told of other targets when he started it: no rule lets the key go there unasked. */
function isStartedForOthers({ store }: AgentParts, kti: TransportKeyInfo): boolean {
  const started = store.started.find(kti.tr)
  return started !== null && !isStartOf(started, kti)
}

function isStartOf({ key, targets, ...started }: StartedTransfer, kti: TransportKeyInfo): boolean {
  if (key !== kti.key.id || started.class !== kti.key.class) return false
  return targets.some((target) => isTarget(target, kti))
}

function isTarget({ device, user }: StartedTarget, { target }: TransportKeyInfo): boolean {
  if (device === undefined) return user === target.user
  return device === target.device && (user === undefined || user === target.user)
}

/** What E1 asked for (PROTOCOL 5), as far as an order says it too. */
interface StartedRequest {
  readonly generation?: number
  readonly redelivery?: boolean
  readonly mechanism?: string
  readonly minExposure?: MinExposure
}

/** Whether the KtI asks for no more than its human did: not once more, not longer, not with less protection. */
function isWithin({ request, deadline }: StartedTransfer, kti: TransportKeyInfo): boolean {
  const asked = JSON.parse(request) as StartedRequest
  const { mechanism, minExposure } = asked
  return (
    asked.generation === kti.key.generation &&
    (!kti.redelivery || asked.redelivery === true) &&
    kti.deadline <= deadline &&
    (mechanism === undefined || mechanism === kti.mechanism) &&
    (minExposure === undefined ||
      (reachesExposure(kti.minExposure.source, minExposure.source) &&
        reachesExposure(kti.minExposure.target, minExposure.target)))
  )
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
  const named = targets.find((target) => isTarget(target, kti))
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
  // With other facts it is another question.
  if (known === null || !equalJson(known.facts, question.facts)) {
    const label = typeof question.facts.label === 'string' ? question.facts.label : 'a key'
    parts.report({ kind: 'asks', dl: question.dl, question: question.kind, label })
  }
  return 'asked'
}
