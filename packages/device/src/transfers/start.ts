import {
  type DeviceId,
  type EpochSeconds,
  KeyferryError,
  type TransferId,
  toBase64url,
  type UserId,
} from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'
import type { KeyRecord } from '../store/key-records.ts'
import type { StartedTransfer } from '../store/started.ts'

/** Where a key is to go, and the name that the human entered or chose for it. */
export interface ChosenTarget {
  readonly device?: DeviceId
  readonly user?: UserId
  readonly username: string | null
}

export interface StartQuestion {
  readonly record: KeyRecord
  readonly targets: readonly ChosenTarget[]
  /** The human, who named key and targets here, agrees that the key is given to exactly these (S12). */
  readonly confirmed: boolean
  readonly deadline: EpochSeconds
  readonly redelivery?: boolean
}

/** One delivery of a transfer as the server shows it (PROTOCOL 5). */
export interface DeliveryShown {
  readonly dl: string
  readonly tr: string
  readonly state: string
  readonly stage?: string
  readonly reason?: string
  readonly waitingFor: readonly string[]
  readonly attempt: number
  readonly key: { readonly id: string; readonly generation: number }
  readonly source: string
  readonly target: string
  readonly deadline: EpochSeconds
  readonly changedAt: EpochSeconds
}

export interface TransferShown {
  readonly tr: TransferId
  readonly state: string
  readonly requester: string
  readonly key: string
  readonly deadline: EpochSeconds
  readonly deliveries: readonly DeliveryShown[]
}

/**
 * E1 by a source: asks for a transfer of a key that this device holds. Kept before it is sent, so that a repeat after a crash is the same
 * request (PROTOCOL 4, Idempotency-Key).
 * @throws {KeyferryError} the problem that the server answers
 * @throws {UnreachableError} it is asked again by `resendStarted`
 */
export async function startTransfer(open: OpenDevice, question: StartQuestion): Promise<TransferShown> {
  const { record, targets } = question
  const nonceOfKey = toBase64url(open.random(16))
  const request = JSON.stringify({
    key: record.key.id,
    generation: record.key.generation,
    source: open.device.signer.id,
    targets: targets.map(({ device, user }) => (device === undefined ? { user } : { device })),
    ...(question.redelivery === true ? { redelivery: true } : {}),
    deadline: question.deadline,
  })
  const started: StartedTransfer = {
    idempotencyKey: nonceOfKey,
    request,
    tr: null,
    key: record.key.id,
    class: record.key.class,
    targets,
    nonce: null,
    confirmed: question.confirmed,
    at: open.now(),
    deadline: question.deadline,
  }
  open.store.started.put(started)
  return send(open, started)
}

async function send(open: OpenDevice, started: StartedTransfer): Promise<TransferShown> {
  try {
    const answer = await open.client.call({
      method: 'POST',
      path: '/v1/transfers',
      jose: { octets: new TextEncoder().encode(started.request), type: 'application/json' },
      headers: { 'idempotency-key': `"${started.idempotencyKey}"` },
    })
    const shown = answer.json<TransferShown>()
    open.store.started.answered(started.idempotencyKey, shown.tr)
    return shown
  } catch (error) {
    // The server said no: there is no transfer to repeat.
    if (error instanceof KeyferryError && error.code !== 'response-invalid') {
      open.store.started.remove(started.idempotencyKey)
    }
    throw error
  }
}

/** Requests that the server may not have, sent again. */
export async function resendStarted(open: OpenDevice): Promise<void> {
  for (const started of open.store.started.unanswered()) {
    if (started.deadline <= open.now()) open.store.started.remove(started.idempotencyKey)
    else await send(open, started).catch(ignoreProblem)
  }
}

function ignoreProblem(error: unknown): void {
  if (!(error instanceof KeyferryError)) throw error
}
