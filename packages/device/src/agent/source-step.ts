import {
  type DeliveryId,
  type ErrorCode,
  KeyferryError,
  type Ref,
  readTransportKeyInfo,
  type TransportKeyInfo,
} from '@keyferry/protocol'
import type { MadeEnvelope } from '../store/envelopes.ts'
import { resendStarted } from '../transfers/start.ts'
import { type CheckedSource, checkBeforeWrap } from '../trust/source-checks.ts'
import { again, askSince, refuse, type StepResult } from './asking.ts'
import { type Checked, noteRefusal, runChecks } from './checks.ts'
import { askConsent, enteredName, startUnanswered } from './consent.ts'
import { StateShape } from './delivery-facts.ts'
import { type AgentParts, againstSeen, consistencyFrom, labelOf, lastSize, ownStatement } from './parts.ts'
import { wrapForTarget } from './wrap.ts'

const DONE: StepResult = { kind: 'done' }

/**
 * The part of the source in one delivery (PROTOCOL 9.1): S1 to S13, from the transport-key information to the deposit. May be repeated at
 * any time: an envelope once made is the only one of its attempt, and is sent as it is.
 * @throws {UnreachableError} when there is no answer.
 */
export async function sourceStep(parts: AgentParts, dl: DeliveryId): Promise<StepResult> {
  const since = lastSize(parts)
  const answered = await askTransportKeyInfo(parts, dl, since)
  if (answered === null) return DONE
  if (answered.kind !== 'passed') return settle(parts, dl, 1, null, answered)
  const kti = answered.value
  const made = parts.store.envelopes.find(dl, kti.attempt) // S3
  if (made !== null) return sendEnvelope(parts, made)
  // The server has the request, so it has the answer too: with it goes what the human agreed to.
  if (startUnanswered(parts, kti)) await resendStarted(parts)
  if (startUnanswered(parts, kti)) return { kind: 'waits' }
  const checked = await runChecks(() => againstSeen(() => check(parts, dl, kti, since)))
  if (checked.kind !== 'passed') return settle(parts, dl, kti.attempt, kti, checked)
  // Another process of this device may have been first: what it made is sent, and its human is not asked again.
  const meanwhile = parts.store.envelopes.find(dl, kti.attempt)
  if (meanwhile !== null) return sendEnvelope(parts, meanwhile)
  const consent = await runChecks(async () => askConsent(parts, kti, checked.value)) // S12
  if (consent.kind !== 'passed') return settle(parts, dl, kti.attempt, kti, consent)
  if (consent.value === 'asked') return { kind: 'waits' }
  const wrapped = await runChecks(() => wrapAndKeep(parts, kti, checked.value)) // S13
  if (wrapped.kind !== 'passed') return settle(parts, dl, kti.attempt, kti, wrapped)
  return sendEnvelope(parts, wrapped.value)
}

/** S1/S2. Null if the delivery is no longer ours to serve. */
async function askTransportKeyInfo(
  parts: AgentParts,
  dl: DeliveryId,
  since: number,
): Promise<Checked<TransportKeyInfo> | null> {
  const denied = ({ code, message: why }: KeyferryError): void => {
    if (code === 'access-denied') parts.report({ kind: 'problem', dl, code, why })
  }
  const answer = await askSince(parts, `/v1/deliveries/${dl}/transport-key-info`, since, denied)
  if (answer === null) return null
  return runChecks(async () => readTransportKeyInfo(answer.content))
}

async function check(parts: AgentParts, dl: DeliveryId, kti: TransportKeyInfo, since: number): Promise<CheckedSource> {
  const { store } = parts
  const state = store.seen.state()
  const expectedName = enteredName(parts, kti)
  const checked = await checkBeforeWrap({
    kti,
    asked: dl,
    since,
    now: parts.now(),
    state,
    rules: store.rules.find(),
    record: store.keys.find(kti.key.id),
    wrap: ownStatement(parts).payload.wrap,
    ...(expectedName === undefined ? {} : { expectedName }),
    consistency: consistencyFrom(parts.client),
  })
  store.seen.commit(state, checked.learned, new Map(Object.entries(kti.statements) as [Ref, string][]))
  return checked
}

/**
 * Durably kept before it is sent, with what else belongs to it: the receipt to wait for, the count of the grant. Of several processes of
 * this device that wrap at once one is first: the others let go of what they made and never sent, and get what the first one kept (S3).
 */
async function wrapAndKeep(parts: AgentParts, kti: TransportKeyInfo, checked: CheckedSource): Promise<MadeEnvelope> {
  const { store } = parts
  const now = parts.now()
  const grant = checked.permitted?.grant ?? null
  const wrapped = await wrapForTarget({ kti, checked, device: parts.device, now, random: parts.random })
  const made: MadeEnvelope = {
    dl: kti.dl,
    attempt: kti.attempt,
    ref: wrapped.ref,
    octets: wrapped.octets,
    grant: grant?.ref ?? null,
    at: now,
  }
  const first = store.transaction(() => {
    const before = store.envelopes.find(kti.dl, kti.attempt)
    if (before !== null) return before
    if (grant !== null && store.envelopes.countOfDay(grant.ref, now) >= grant.payload.perDay) {
      throw new KeyferryError('grant-exceeded', 'the grant permits no more deliveries today')
    }
    store.envelopes.put(made)
    store.receipts.await(kti.dl, kti.attempt, wrapped.order.payload.exp)
    store.questions.close(kti.dl, kti.attempt)
    return null
  })
  if (first !== null) return first
  parts.report({
    kind: 'wrapped',
    dl: kti.dl,
    label: labelOf(parts, kti.key.id),
    to: checked.targetRoot.username ?? kti.target.user,
    target: kti.target.device,
    alg: checked.key.alg,
  })
  return made
}

/** E5. After 422 the source refuses with its `check`, after 413 with `too-large` (S13). */
export async function sendEnvelope(parts: AgentParts, made: MadeEnvelope): Promise<StepResult> {
  const { dl, attempt, octets } = made
  try {
    const answer = await parts.client.call({
      method: 'PUT',
      path: `/v1/deliveries/${dl}/envelopes/${attempt}`,
      jose: { octets, type: 'application/jose+json' },
    })
    parts.store.envelopes.markDone(dl, attempt)
    parts.report({ kind: 'deposited', dl, state: answer.json(StateShape).state })
    return { kind: 'moved' }
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error
    return afterRefusedDeposit(parts, made, error)
  }
}

async function afterRefusedDeposit(parts: AgentParts, made: MadeEnvelope, error: KeyferryError): Promise<StepResult> {
  const { dl, attempt } = made
  if (error.code === 'envelope-invalid' || error.code === 'too-large') {
    const reason = reasonOf(error)
    const because = new KeyferryError(reason, error.message, error.details)
    parts.store.envelopes.markDone(dl, attempt)
    await noteRefusal(parts, { dl, attempt, role: 'source', key: null, error: because })
    return refuse(parts, dl, reason)
  }
  const isOver = ['delivery-closed', 'state-conflict', 'envelope-exists', 'not-found'].includes(error.code)
  if (isOver) {
    parts.store.envelopes.markDone(dl, attempt)
    if (error.code === 'envelope-exists') alarmOtherEnvelope(parts, made)
    return DONE
  }
  return again(parts, dl, error)
}

/** Only this device signs envelopes of this attempt, and it made one: somebody has its key, or the server lies. */
function alarmOtherEnvelope({ store, now, report }: AgentParts, { dl, attempt, ref }: MadeEnvelope): void {
  store.alarms.raise({ reason: 'envelope-exists', subject: dl, facts: { attempt, mine: ref }, at: now() })
  report({ kind: 'alarm', reason: 'envelope-exists', subject: dl })
}

/** What the server checks of an envelope (D2 to D6 of PROTOCOL 9.2). Other words of its own say nothing here, nor do they alarm. */
const DEPOSIT_CHECKS: ReadonlySet<unknown> = new Set<ErrorCode>([
  'envelope-malformed',
  'signature-invalid',
  'order-invalid',
  'order-mismatch',
  'order-expired',
  'order-missing',
  'grant-exceeded',
  'alg-not-allowed',
  'transport-key-unknown',
  'transport-key-expired',
  'transport-key-foreign',
  'device-revoked',
  'device-suspended',
  'envelope-expired',
  'exposure-too-low',
  'binding-mismatch',
])

function reasonOf({ code, details }: KeyferryError): ErrorCode {
  if (code === 'too-large') return code
  return DEPOSIT_CHECKS.has(details.check) ? (details.check as ErrorCode) : 'envelope-malformed'
}

/** A failed check refuses the delivery; one that is not yet decided is asked again. */
async function settle(
  parts: AgentParts,
  dl: DeliveryId,
  attempt: number,
  kti: TransportKeyInfo | null,
  checked: Exclude<Checked<unknown>, { kind: 'passed' }>,
): Promise<StepResult> {
  if (checked.kind === 'not-yet') return again(parts, dl, checked.error)
  await noteRefusal(parts, { dl, attempt, role: 'source', key: kti?.key.id ?? null, error: checked.error })
  parts.store.questions.close(dl, attempt)
  return refuse(parts, dl, checked.error.code)
}
