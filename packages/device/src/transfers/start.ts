import { type DeviceId, type EpochSeconds, KeyferryError, toBase64url, type UserId } from '@keyferry/protocol'
import { pause } from '../client/pause.ts'
import type { OpenDevice } from '../open-device.ts'
import type { KeyRecord } from '../store/key-records.ts'
import type { StartedTransfer } from '../store/started.ts'
import { type TransferShown, TransferShownShape } from './shown.ts'

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

/**
 * E1 by a source: asks for a transfer of a key that this device holds. Kept before it is sent, so that a repeat after a crash is the same
 * request (PROTOCOL 4, Idempotency-Key).
 * @throws {KeyferryError} the problem that the server answers
 * @throws {UnreachableError} the agent asks again
 */
export async function startTransfer(open: OpenDevice, question: StartQuestion): Promise<TransferShown> {
  const { record, targets } = question
  const idempotencyKey = toBase64url(open.random(16))
  const request = JSON.stringify({
    key: record.key.id,
    generation: record.key.generation,
    source: open.device.signer.id,
    targets: targets.map(({ device, user }) => (device === undefined ? { user } : { device })),
    ...(question.redelivery === true ? { redelivery: true } : {}),
    deadline: question.deadline,
  })
  const started: StartedTransfer = {
    idempotencyKey,
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
  try {
    return await send(open, started)
  } catch (error) {
    // The server said no: there is no transfer to repeat.
    const isKept = !(error instanceof KeyferryError) || KEPT.has(error.code)
    if (!isKept) open.store.started.remove(started.idempotencyKey)
    throw error
  }
}

/** After these the first request may have been done all the same. */
const KEPT: ReadonlySet<string> = new Set(['response-invalid', 'idempotency-in-progress', 'store-failed'])

type Starter = Pick<OpenDevice, 'store' | 'client' | 'now'>

/** Another process of this device, or the server that went down meanwhile, may be at the same request. */
const IN_PROGRESS_TRIES = 10
const IN_PROGRESS_MILLISECONDS = 500

async function send(open: Starter, started: StartedTransfer): Promise<TransferShown> {
  for (let left = IN_PROGRESS_TRIES; ; left--) {
    try {
      return await sendOnce(open, started)
    } catch (error) {
      const isUnderWay = error instanceof KeyferryError && error.code === 'idempotency-in-progress'
      if (!isUnderWay || left === 0) throw error
      await pause(IN_PROGRESS_MILLISECONDS)
    }
  }
}

async function sendOnce(open: Starter, started: StartedTransfer): Promise<TransferShown> {
  const answer = await open.client.call({
    method: 'POST',
    path: '/v1/transfers',
    jose: { octets: new TextEncoder().encode(started.request), type: 'application/json' },
    headers: { 'idempotency-key': `"${started.idempotencyKey}"` },
  })
  const shown = answer.json(TransferShownShape)
  open.store.started.answered(started.idempotencyKey, shown.tr)
  return shown
}

/** What says nothing about a request that may have been done before: whether it was, the next repeat tells. */
const SAYS_NOTHING: ReadonlySet<string> = new Set([
  'response-invalid',
  'idempotency-in-progress',
  'unavailable',
  'read-only',
  'too-many-requests',
  'signature-expired',
  'nonce-replayed',
  'store-failed',
])

/**
 * Requests that the server may not have, sent again. One that it refuses is forgotten; one that it cannot answer now is kept, with what
 * its human agreed to: the transfer may be there already.
 * @throws {UnreachableError}
 */
export async function resendStarted(open: Starter): Promise<void> {
  const { started } = open.store
  for (const one of started.unanswered()) {
    if (one.deadline <= open.now()) {
      started.remove(one.idempotencyKey)
      continue
    }
    try {
      await send(open, one)
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
      if (!SAYS_NOTHING.has(error.code)) started.remove(one.idempotencyKey)
    }
  }
}
