import { type DeliveryId, type KeyTransferAnswer, readKeyTransferAnswer } from '@keyferry/protocol'
import type { ReplayEntry } from '../store/replay.ts'
import { admitJump } from './admit-jump.ts'
import { admitOwner } from './admit-owner.ts'
import { again, askSince, callOrGone, type StepResult } from './asking.ts'
import { type Checked, runChecks } from './checks.ts'
import { DeliveryFactsShape } from './delivery-facts.ts'
import { finishOutcome } from './finish-outcome.ts'
import { type Collected, checkCollected, unwrapChecked } from './open-envelope.ts'
import { type Attempt, install, refuseUnread, reject } from './outcomes.ts'
import { type AgentParts, againstSeen, lastSize } from './parts.ts'
import { nameOf, type TargetMemory } from './target-memory.ts'

const DONE: StepResult = { kind: 'done' }

/**
 * The part of the target in one delivery (PROTOCOL 9.3): T1 to T10, from the key-transfer information to the receipt. May be repeated at
 * any time: the outcome of an attempt is final, and is sent as it was stored.
 * @throws {UnreachableError} when there is no answer.
 */
export async function targetStep(parts: AgentParts, dl: DeliveryId, memory: TargetMemory): Promise<StepResult> {
  const view = await callOrGone(() => parts.client.call({ method: 'GET', path: `/v1/deliveries/${dl}` }))
  if (view === null) return DONE
  const facts = view.json(DeliveryFactsShape)
  const attempt: Attempt = { dl, attempt: facts.attempt, tr: facts.tr }
  const known = parts.store.replay.find(dl, facts.attempt) // T6
  const isOpen = facts.state === 'released' || facts.state === 'collected'
  if (known !== null && known.outcome.kind !== 'pending') {
    return isOpen && (await isReplaced(parts, known)) ? DONE : finishOutcome(parts, known, memory)
  }
  if (!isOpen) return DONE
  const since = lastSize(parts)
  const answered = await askKeyTransferInfo(parts, dl, since)
  if (answered === null) return DONE
  if (answered.kind !== 'passed') return refuseUnread(parts, attempt, answered)
  const admitted = await runChecks(() => admitOwner(parts, dl, facts.attempt, answered.value))
  if (admitted.kind !== 'passed') return refuseUnread(parts, attempt, admitted)
  if (admitted.value === 'asked') return { kind: 'waits' }
  const jump = await runChecks(async () => admitJump(parts, dl, facts.attempt, answered.value))
  if (jump.kind !== 'passed') return refuseUnread(parts, attempt, jump)
  if (jump.value === 'asked') return { kind: 'waits' }
  const { collected } = memory
  const name = nameOf(attempt)
  const octets = collected.get(name) ?? (await collectEnvelope(parts, dl))
  if (octets === null) return DONE
  collected.set(name, octets)
  const result = await accept(parts, attempt, { dl, answer: answered.value, octets, since }, memory)
  if (result.kind !== 'again') collected.delete(name)
  return result
}

async function askKeyTransferInfo(
  parts: AgentParts,
  dl: DeliveryId,
  since: number,
): Promise<Checked<KeyTransferAnswer> | null> {
  const answer = await askSince(parts, `/v1/deliveries/${dl}/key-transfer-info`, since)
  return answer === null ? null : runChecks(async () => readKeyTransferAnswer(answer.content))
}

/**
 * T6: whether the server shows another envelope for an attempt that has an outcome, which alarms. Asked only where it still lists such an
 * attempt as one to be dealt with: what was left unsent has gone out before.
 */
async function isReplaced(parts: AgentParts, { dl, attempt, envelope }: ReplayEntry): Promise<boolean> {
  // The refusal of an answer that could not be read names none: it is sent again, whatever is shown.
  if (envelope === null) return false
  const shown = await askKeyTransferInfo(parts, dl, lastSize(parts))
  if (shown?.kind !== 'passed' || shown.value.envelope === envelope) return false
  const facts = { attempt, answered: envelope, shown: shown.value.envelope }
  if (parts.store.alarms.raise({ reason: 'replayed', subject: dl, facts, at: parts.now() })) {
    parts.report({ kind: 'alarm', reason: 'replayed', subject: dl })
  }
  return true
}

/** E8/E9. */
async function collectEnvelope(parts: AgentParts, dl: DeliveryId): Promise<Uint8Array | null> {
  const answer = await callOrGone(() =>
    parts.client.call({ method: 'POST', path: `/v1/deliveries/${dl}/collections`, json: {} }),
  )
  return answer?.content ?? null
}

async function accept(
  parts: AgentParts,
  attempt: Attempt,
  collected: Collected,
  memory: TargetMemory,
): Promise<StepResult> {
  const envelope = { ref: collected.answer.envelope, octets: collected.octets }
  const checked = await runChecks(() => againstSeen(() => checkCollected(parts, collected)))
  if (checked.kind === 'not-yet') return again(parts, attempt.dl, checked.error)
  if (checked.kind === 'failed') return reject(parts, attempt, envelope, checked.error)
  const unwrapped = await runChecks(() => unwrapChecked(parts, checked.value)) // T9
  if (unwrapped.kind === 'not-yet') return again(parts, attempt.dl, unwrapped.error)
  if (unwrapped.kind === 'failed') return reject(parts, attempt, envelope, unwrapped.error)
  return install(parts, attempt, checked.value, unwrapped.value, memory) // T10
}
