import {
  type DeliveryId,
  type DeviceId,
  deviceStatement,
  type EpochSeconds,
  fromBase64url,
  KeyferryError,
  type KeyTransferAnswer,
  openBundle,
  ownerOf,
  type ReceiptPayload,
  type Ref,
  readEnvelope,
  readKeyTransferAnswer,
  readKeyTransferInfo,
  readStatement,
  receiptStatement,
  type Statement,
  signStatement,
  type UserId,
} from '@keyferry/protocol'
import type { UnwrappedKey } from '../keystores/secure-device.ts'
import type { KeyRecord } from '../store/key-records.ts'
import type { ReplayEntry } from '../store/replay.ts'
import { certificatesOf } from '../trust/certificates.ts'
import { type CheckedTarget, checkBeforeAccept, checkOwnSet } from '../trust/target-checks.ts'
import { withTrust } from '../trust/trust-state.ts'
import { type AcceptedRoot, acceptRoot } from '../trust/user-root.ts'
import { type Checked, noteRefusal, runChecks } from './checks.ts'
import { askHuman, type Consent } from './consent.ts'
import { type AgentParts, againstSeen, consistencyFrom, lastSize, type ownStatement } from './parts.ts'
import { again, askSince, callOrGone, refuse, type StepResult } from './source-step.ts'

const DONE: StepResult = { kind: 'done' }
const REPLAY_KEPT_SECONDS = 90 * 24 * 3600
const MAX_UNWRAP_FAILURES = 8

/** What the server shows of a delivery, as far as a target needs it. */
interface DeliveryFacts {
  readonly attempt: number
  readonly state: string
  readonly tr: string
}

/** What a process remembers between steps; after a crash the next one does without. */
export interface TargetMemory {
  /** Envelopes collected but not yet settled: a server gives each three times at the most. */
  readonly collected: Map<string, Uint8Array>
  /** Attempts whose key was put where programs use it. */
  readonly placed: Set<string>
}

export function targetMemory(): TargetMemory {
  return { collected: new Map(), placed: new Set() }
}

/**
 * The part of the target in one delivery (PROTOCOL 9.3): T1 to T10, from the key-transfer information to the receipt. May be repeated at
 * any time: the outcome of an attempt is final, and is sent as it was stored.
 * @throws {UnreachableError} when there is no answer.
 */
export async function targetStep(parts: AgentParts, dl: DeliveryId, memory: TargetMemory): Promise<StepResult> {
  const view = await callOrGone(() => parts.client.call({ method: 'GET', path: `/v1/deliveries/${dl}` }))
  if (view === null) return DONE
  const facts = view.json<DeliveryFacts>()
  const known = parts.store.replay.find(dl, facts.attempt) // T6
  const isOpen = facts.state === 'released' || facts.state === 'collected'
  if (known !== null && known.outcome.kind !== 'pending') {
    return isOpen && (await isReplaced(parts, known)) ? DONE : finishOutcome(parts, known, memory)
  }
  if (!isOpen) return DONE
  const since = lastSize(parts)
  const answered = await askKeyTransferInfo(parts, dl, since)
  if (answered === null) return DONE
  if (answered.kind !== 'passed') return refuseUnread(parts, dl, facts, answered)
  const admitted = await runChecks(() => admitOwner(parts, dl, facts.attempt, answered.value))
  if (admitted.kind !== 'passed') return refuseUnread(parts, dl, facts, admitted)
  if (admitted.value === 'asked') return { kind: 'waits' }
  const { collected } = memory
  const name = nameOf({ dl, attempt: facts.attempt })
  const octets = collected.get(name) ?? (await collectEnvelope(parts, dl))
  if (octets === null) return DONE
  collected.set(name, octets)
  const result = await accept(parts, facts, { dl, answer: answered.value, octets, since }, memory)
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

/**
 * Keys of another user are taken if a rule or the human admits him: asked before the envelope is collected (T3). Where nothing proves who
 * he is, a yes leads nowhere: the delivery waits until his human is pinned, and the question is then another one.
 */
async function admitOwner(
  parts: AgentParts,
  dl: DeliveryId,
  attempt: number,
  answer: KeyTransferAnswer,
): Promise<Consent> {
  const kti = readKeyTransferInfo(fromBase64url(answer.binding))
  const owner = ownerOf(kti.key.id)
  const state = parts.store.seen.state()
  if (owner === state.user || parts.store.rules.find().owners.includes(owner)) return 'given'
  if (parts.store.unwrapFailures.count(owner) >= MAX_UNWRAP_FAILURES) {
    throw new KeyferryError('declined', 'too many keys of this user could not be opened')
  }
  const root = await ownerRoot(parts, owner, kti.iat, answer)
  const consent = askHuman(parts, {
    dl,
    attempt,
    kind: 'owner',
    facts: {
      owner,
      username: root?.username ?? '',
      how: root?.how ?? 'unknown',
      label: root?.username == null ? 'a key of somebody unknown' : `a key of ${root.username}`,
      class: kti.key.class,
      type: kti.key.type,
    },
    until: kti.exp,
  })
  return root === null ? 'asked' : consent
}

/** Null where nothing proves yet whose key it is. */
async function ownerRoot(
  { store, now }: AgentParts,
  owner: UserId,
  at: EpochSeconds,
  answer: KeyTransferAnswer,
): Promise<AcceptedRoot | null> {
  const state = store.seen.state()
  const rules = store.rules.find()
  const received = openBundle(answer.statements, 'envelope-malformed')
  const { trust } = (await checkOwnSet({ state, rules, now: now() }, received)).statement.payload
  const certificates = certificatesOf(received, owner)
  try {
    return await acceptRoot(withTrust(state, trust), rules, {
      user: owner,
      certificates,
      at,
      untrusted: 'owner-untrusted',
    })
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'owner-untrusted') return null
    throw error
  }
}

/** E8/E9. */
async function collectEnvelope(parts: AgentParts, dl: DeliveryId): Promise<Uint8Array | null> {
  const answer = await callOrGone(() =>
    parts.client.call({ method: 'POST', path: `/v1/deliveries/${dl}/collections`, json: {} }),
  )
  return answer?.content ?? null
}

function nameOf({ dl, attempt }: Pick<ReplayEntry, 'dl' | 'attempt'>): string {
  return `${dl} ${attempt}`
}

interface Collected {
  readonly dl: DeliveryId
  readonly answer: KeyTransferAnswer
  readonly octets: Uint8Array
  readonly since: number
}

async function accept(
  parts: AgentParts,
  facts: DeliveryFacts,
  { dl, answer, octets, since }: Collected,
  memory: TargetMemory,
): Promise<StepResult> {
  const checked = await runChecks(() => againstSeen(() => check(parts, dl, answer, octets, since)))
  if (checked.kind === 'not-yet') return again(parts, dl, checked.error)
  if (checked.kind === 'failed') return reject(parts, dl, facts, answer.envelope, octets, checked.error)
  const unwrapped = await runChecks(() => unwrap(parts, checked.value)) // T9
  if (unwrapped.kind === 'not-yet') return again(parts, dl, unwrapped.error)
  if (unwrapped.kind === 'failed') return reject(parts, dl, facts, answer.envelope, octets, unwrapped.error)
  return install(parts, facts, checked.value, unwrapped.value, memory) // T10
}

async function check(
  parts: AgentParts,
  dl: DeliveryId,
  answer: KeyTransferAnswer,
  envelopeOctets: Uint8Array,
  since: number,
): Promise<CheckedTarget> {
  const { store } = parts
  const state = store.seen.state()
  const { tr, attempt, owner } = namesOf(envelopeOctets)
  const checked = await checkBeforeAccept({
    answer,
    envelopeOctets,
    asked: dl,
    since,
    now: parts.now(),
    state,
    rules: store.rules.find(),
    transportKeys: heldOffers(parts),
    nonce: tr === null ? null : (store.started.find(tr)?.nonce ?? null),
    lastGeneration: (key) => store.replay.lastGeneration(key),
    ownerAdmitted: attempt !== null && store.questions.find(dl, attempt, 'owner')?.decision?.answer === 'yes',
    jumpAdmitted: attempt !== null && store.questions.find(dl, attempt, 'jump')?.decision?.answer === 'yes',
    consistency: consistencyFrom(parts.client),
  })
  store.seen.commit(state, checked.learned, new Map(Object.entries(answer.statements) as [Ref, string][]))
  if (owner !== null && store.unwrapFailures.count(owner) >= MAX_UNWRAP_FAILURES) {
    throw new KeyferryError('declined', 'too many keys of this user could not be opened')
  }
  return checked
}

/** Names in an envelope that was not checked yet: good for looking up own notes, for nothing else. */
function namesOf(octets: Uint8Array): {
  tr: ReceiptPayload['tr'] | null
  attempt: number | null
  owner: ReturnType<typeof ownerOf> | null
} {
  try {
    const { tr, attempt, key } = readEnvelope(octets).kti
    return { tr, attempt, owner: ownerOf(key.id) }
  } catch {
    return { tr: null, attempt: null, owner: null }
  }
}

/** Every transport key that this device ever offered and still holds: late envelopes name old ones. */
function heldOffers(parts: AgentParts): ReturnType<typeof ownStatement>['payload']['enc'] {
  const offers = new Map(
    parts.store.ownStatements
      .list('kf-device+jwt')
      .flatMap(({ text }) => readStatement(deviceStatement, text).payload.enc)
      .map((offer) => [JSON.stringify(offer.jwk), offer]),
  )
  return [...offers.values()]
}

async function unwrap(parts: AgentParts, { envelope, owner }: CheckedTarget): Promise<UnwrappedKey> {
  const { kti } = envelope
  try {
    if (kti.kid === undefined) throw new KeyferryError('unwrap-failed', 'the wrapped key cannot be opened')
    return await parts.device.unwrapKey({
      alg: kti.alg,
      kid: kti.kid,
      wrapped: envelope.wrapped,
      binding: envelope.binding,
      key: kti.key,
    })
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'unwrap-failed') parts.store.unwrapFailures.add(owner)
    throw error
  }
}

/** T10: key, own record, generation, replay entry and signed receipt in one transaction; then it is sent. */
async function install(
  parts: AgentParts,
  facts: DeliveryFacts,
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
    return reject(parts, kti.dl, facts, envelope.ref, envelope.octets, error)
  }
  return finishOutcome(parts, entry, memory, { device: kti.src, username: checked.ownerRoot.username })
}

interface Giver {
  readonly device: DeviceId
  readonly username: string | null
}

/**
 * What follows a final outcome, as often as it takes: the key goes where programs use it, then the outcome is sent. A process that died
 * in between has left this to the next.
 *
 * @param giver - whose key it is and what device wrapped it, where that was just checked.
 */
export async function finishOutcome(
  parts: AgentParts,
  entry: ReplayEntry,
  memory: TargetMemory,
  giver: Giver | null = null,
): Promise<StepResult> {
  const name = nameOf(entry)
  if (!memory.placed.has(name)) {
    await place(parts, entry, giver)
    memory.placed.add(name)
  }
  const result = await sendOutcome(parts, entry)
  memory.placed.delete(name)
  return result
}

/** Where programs use it. The key is safe in the store: if this fails, its human is told and can take it out again. */
async function place(parts: AgentParts, { dl, outcome }: ReplayEntry, giver: Giver | null): Promise<void> {
  if (outcome.kind !== 'receipt') return
  const receipt = readStatement(receiptStatement, outcome.text).payload
  const record = receipt.key === undefined ? null : parts.store.keys.find(receipt.key.id)
  // A later generation has come since, and went where this one would.
  if (receipt.outcome !== 'installed' || record?.key.generation !== receipt.key?.generation || record === null) return
  let where: string | null = null
  try {
    where = await parts.install.place(record.key, record)
  } catch (error) {
    parts.report({
      kind: 'problem',
      dl,
      code: error instanceof Error && 'code' in error ? String(error.code) : 'store-failed',
      why: error instanceof Error ? error.message : 'the key could not be put where it should go',
    })
  }
  const owner = ownerOf(record.key.id)
  const state = parts.store.seen.state()
  const username = giver?.username ?? (owner === state.user ? state.username : state.pin(owner)?.username)
  parts.report({
    kind: 'installed',
    dl,
    label: record.label,
    from: username ?? owner,
    source: giver?.device ?? null,
    where: where ?? 'key store',
  })
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

async function reject(
  parts: AgentParts,
  dl: DeliveryId,
  facts: DeliveryFacts,
  envelope: Ref,
  octets: Uint8Array,
  error: KeyferryError,
): Promise<StepResult> {
  const read = readNames(octets, error)
  const receipt = await signReceipt(parts, {
    v: 1,
    origin: parts.client.origin,
    tr: facts.tr as ReceiptPayload['tr'],
    dl,
    attempt: facts.attempt,
    ...read,
    envelope,
    outcome: 'rejected',
    reason: error.code,
    iat: parts.now(),
  })
  const entry: ReplayEntry = {
    dl,
    attempt: facts.attempt,
    envelope,
    outcome: { kind: 'receipt', text: receipt.text },
    keepUntil: null,
  }
  parts.store.replay.record(entry)
  await noteRefusal(parts, { dl, attempt: facts.attempt, role: 'target', key: read.key?.id ?? null, error })
  return sendOutcome(parts, entry)
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

/** A failure before E8: the refusal is the final outcome of this attempt, kept before it is sent. */
async function refuseUnread(
  parts: AgentParts,
  dl: DeliveryId,
  facts: DeliveryFacts,
  checked: Exclude<Checked<unknown>, { kind: 'passed' }>,
): Promise<StepResult> {
  if (checked.kind === 'not-yet') return again(parts, dl, checked.error)
  const entry: ReplayEntry = {
    dl,
    attempt: facts.attempt,
    envelope: null,
    outcome: { kind: 'refused', reason: checked.error.code },
    keepUntil: null,
  }
  parts.store.replay.record(entry)
  parts.store.questions.close(dl, facts.attempt)
  await noteRefusal(parts, { dl, attempt: facts.attempt, role: 'target', key: null, error: checked.error })
  return sendOutcome(parts, entry)
}

/** Sends what is stored, as often as it takes; never anything else for this attempt (PROTOCOL 9.3). */
export async function sendOutcome(parts: AgentParts, entry: ReplayEntry): Promise<StepResult> {
  const { dl, attempt, outcome } = entry
  if (outcome.kind === 'pending') return DONE
  let isInstalled = false
  if (outcome.kind === 'refused') {
    await refuse(parts, dl, outcome.reason)
  } else {
    const receipt = readStatement(receiptStatement, outcome.text).payload
    isInstalled = receipt.outcome === 'installed'
    const answer = await callOrGone(() =>
      parts.client.call({
        method: 'PUT',
        path: `/v1/deliveries/${dl}/receipts/${attempt}`,
        jose: { octets: new TextEncoder().encode(outcome.text), type: 'application/jose' },
      }),
    )
    const state = answer?.json<{ state: string }>().state ?? 'closed'
    parts.report({ kind: 'receipted', dl, outcome: receipt.outcome, state })
  }
  parts.store.replay.markDone(dl, attempt)
  return isInstalled ? { kind: 'moved' } : DONE
}
