import {
  type DeliveryId,
  type Envelope,
  KeyferryError,
  type ReceiptPayload,
  readEnvelope,
  receiptStatement,
  type Statement,
  signStatement,
} from '@keyferry/protocol'
import type { UnwrappedKey } from '../keystores/secure-device.ts'
import type { KeyRecord } from '../store/key-records.ts'
import type { ReplayEntry } from '../store/replay.ts'
import type { CheckedTarget } from '../trust/target-checks.ts'
import { again, type StepResult } from './asking.ts'
import { type Checked, noteRefusal } from './checks.ts'
import { finishOutcome, sendOutcome } from './finish-outcome.ts'
import type { AgentParts } from './parts.ts'
import type { TargetMemory } from './target-memory.ts'

const REPLAY_KEPT_SECONDS = 90 * 24 * 3600

/** What an outcome is of, as the server shows it. An attempt has one, for ever: it is kept before it is sent. */
export interface Attempt {
  readonly dl: DeliveryId
  readonly attempt: number
  readonly tr: ReceiptPayload['tr']
}

/** T10: key, own record, generation, replay entry and signed receipt in one transaction; then it is sent. */
export async function install(
  parts: AgentParts,
  attempt: Attempt,
  checked: CheckedTarget,
  unwrapped: UnwrappedKey,
  memory: TargetMemory,
): Promise<StepResult> {
  const { store } = parts
  const { envelope } = checked
  const { kti, order } = envelope
  const receipt = await signReceipt(parts, {
    ...receiptFacts(parts, checked),
    outcome: 'installed',
    exposure: unwrapped.exposure,
  })
  const entry: ReplayEntry = {
    dl: kti.dl,
    attempt: kti.attempt,
    envelope: envelope.ref,
    outcome: { kind: 'receipt', text: receipt.text },
    keepUntil: kti.exp + REPLAY_KEPT_SECONDS,
  }
  const record = recordOf(parts, checked)
  try {
    store.transaction(() => {
      store.replay.accept(kti.key.id, kti.key.generation, order.payload.redelivery)
      unwrapped.store()
      store.keys.put(record)
      store.replay.record(entry)
      store.questions.close(kti.dl, kti.attempt)
    })
  } catch (error) {
    if (!(error instanceof KeyferryError) || error.code === 'store-failed') throw error
    // T6 once more inside: another process of this device was first.
    return reject(parts, attempt, envelope, error)
  }
  return finishOutcome(parts, entry, memory, { device: kti.src, username: checked.ownerRoot.username })
}

/** A failure after E8: the receipt says why. */
export async function reject(
  parts: AgentParts,
  { dl, attempt, tr }: Attempt,
  { ref, octets }: Pick<Envelope, 'ref' | 'octets'>,
  error: KeyferryError,
): Promise<StepResult> {
  const read = readNames(octets, error)
  const receipt = await signReceipt(parts, {
    v: 1,
    origin: parts.client.origin,
    tr,
    dl,
    attempt,
    ...read,
    envelope: ref,
    outcome: 'rejected',
    reason: error.code,
    iat: parts.now(),
  })
  const entry: ReplayEntry = {
    dl,
    attempt,
    envelope: ref,
    outcome: { kind: 'receipt', text: receipt.text },
    keepUntil: null,
  }
  parts.store.replay.record(entry)
  await noteRefusal(parts, { dl, attempt, role: 'target', key: read.key?.id ?? null, error })
  return sendOutcome(parts, entry)
}

/** A failure before E8: the refusal is the final outcome of this attempt, kept before it is sent. */
export async function refuseUnread(
  parts: AgentParts,
  { dl, attempt }: Attempt,
  checked: Exclude<Checked<unknown>, { kind: 'passed' }>,
): Promise<StepResult> {
  if (checked.kind === 'not-yet') return again(parts, dl, checked.error)
  const entry: ReplayEntry = {
    dl,
    attempt,
    envelope: null,
    outcome: { kind: 'refused', reason: checked.error.code },
    keepUntil: null,
  }
  parts.store.replay.record(entry)
  parts.store.questions.close(dl, attempt)
  await noteRefusal(parts, { dl, attempt, role: 'target', key: null, error: checked.error })
  return sendOutcome(parts, entry)
}

/** The record that comes with a key from a device of the own user; of others' keys it only says what they are (PROTOCOL 2.4). */
function recordOf(parts: AgentParts, { envelope }: CheckedTarget): KeyRecord {
  const { kti, order } = envelope
  const before = parts.store.keys.find(kti.key.id)
  return {
    key: kti.key,
    container: kti.container ?? null,
    username: kti.username ?? null,
    minExposure: order.payload.minExposure,
    mechanisms: [kti.mechanism],
    algs: [kti.alg],
    auto: false,
    browsers: false,
    label: before?.label ?? `${kti.key.type} ${kti.key.id.slice(44, 50)}`,
    file: before?.file ?? null,
    createdAt: before?.createdAt ?? parts.now(),
  }
}

/** `order` and `key` are left out only where the envelope could not be read (PROTOCOL 2). */
function readNames(octets: Uint8Array, error: KeyferryError): Pick<ReceiptPayload, 'order' | 'key'> {
  try {
    const { order, kti } = readEnvelope(octets)
    return { order: order.ref, key: { id: kti.key.id, generation: kti.key.generation } }
  } catch (unreadable) {
    if (error.code === 'envelope-malformed' || error.code === 'binding-mismatch') return {}
    throw unreadable
  }
}

function receiptFacts(parts: AgentParts, checked: CheckedTarget): Omit<ReceiptPayload, 'outcome'> {
  const { kti, order, ref } = checked.envelope
  const { size, root } = checked.learned.checkpoint
  return {
    v: 1,
    origin: kti.origin,
    tr: kti.tr,
    dl: kti.dl,
    attempt: kti.attempt,
    order: order.ref,
    envelope: ref,
    key: { id: kti.key.id, generation: kti.key.generation },
    checkpoint: { size, root },
    iat: parts.now(),
  }
}

function signReceipt(parts: AgentParts, payload: ReceiptPayload): Promise<Statement<ReceiptPayload>> {
  return signStatement(receiptStatement, parts.device.signer, payload)
}
