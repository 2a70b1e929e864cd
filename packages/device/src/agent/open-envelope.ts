import {
  type DeliveryId,
  deviceStatement,
  KeyferryError,
  type KeyTransferAnswer,
  ownerOf,
  type ReceiptPayload,
  type Ref,
  readEnvelope,
  readStatement,
} from '@keyferry/protocol'
import type { UnwrappedKey } from '../keystores/secure-device.ts'
import { type CheckedTarget, checkBeforeAccept } from '../trust/target-checks.ts'
import { type AgentParts, consistencyFrom, type ownStatement } from './parts.ts'
import { requireOpenable } from './unwrap-failures.ts'

/** What a target collected, and the answer that it was announced with. */
export interface Collected {
  readonly dl: DeliveryId
  readonly answer: KeyTransferAnswer
  /** The envelope. */
  readonly octets: Uint8Array
  /** The size of the log that the answer was asked from. */
  readonly since: number
}

/** What PROTOCOL 9.3 has a target check before anything is decrypted; what that shows of devices and log is kept. */
export async function checkCollected(
  parts: AgentParts,
  { dl, answer, octets, since }: Collected,
): Promise<CheckedTarget> {
  const { store } = parts
  const state = store.seen.state()
  const { tr, attempt, owner } = namesOf(octets)
  const checked = await checkBeforeAccept({
    answer,
    envelopeOctets: octets,
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
  if (owner !== null) requireOpenable(parts, owner)
  return checked
}

/** T9. A failure is counted against the owner of the key. */
export async function unwrapChecked(parts: AgentParts, { envelope, owner }: CheckedTarget): Promise<UnwrappedKey> {
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
