import { type EpochSeconds, type TransferId, toBase64url } from '@keyferry/protocol'
import * as z from 'zod'
import type { OpenDevice } from '../open-device.ts'
import { type DeliveryShown, DeliveryShownShape, type TransferShown, TransferShownShape } from './shown.ts'

const TransfersShape = z.looseObject({ items: z.array(TransferShownShape) })
const DecisionsShape = z.looseObject({ items: z.array(z.record(z.string(), z.unknown())) })

/** Transfers that this device's user takes part in, newest first. */
export async function listTransfers(open: OpenDevice, limit = 50): Promise<readonly TransferShown[]> {
  const answer = await open.client.call({ method: 'GET', path: `/v1/transfers?limit=${limit}` })
  return answer.json(TransfersShape).items
}

/** @param wait - ETag seen before and how long the server may wait for something newer, seconds. */
export async function showTransfer(
  open: OpenDevice,
  tr: TransferId,
  wait?: { readonly seconds: number; readonly etag: string; readonly signal?: AbortSignal },
): Promise<{ readonly transfer: TransferShown; readonly etag: string } | null> {
  const answer = await open.client.call({
    method: 'GET',
    path: `/v1/transfers/${tr}`,
    ...(wait === undefined ? {} : { waitSeconds: wait.seconds, headers: { 'if-none-match': wait.etag } }),
    ...(wait?.signal === undefined ? {} : { signal: wait.signal }),
  })
  if (answer.status === 304) return null
  return { transfer: answer.json(TransferShownShape), etag: answer.header('etag') ?? '' }
}

export async function cancelDelivery(open: OpenDevice, dl: string): Promise<DeliveryShown> {
  const answer = await open.client.call({ method: 'POST', path: `/v1/deliveries/${dl}/cancellation`, json: {} })
  return answer.json(DeliveryShownShape)
}

/** Asks for one more attempt. What was started here then counts until the new deadline: its human has just said so (S12). */
export async function retryDelivery(open: OpenDevice, dl: string, deadline: EpochSeconds): Promise<DeliveryShown> {
  const answer = await open.client.call({
    method: 'POST',
    path: `/v1/deliveries/${dl}/retry`,
    json: { deadline },
    headers: { 'idempotency-key': `"${toBase64url(open.random(16))}"` },
  })
  const shown = answer.json(DeliveryShownShape)
  const started = open.store.started.find(shown.tr as TransferId)
  if (started !== null && started.deadline < deadline) open.store.started.put({ ...started, deadline })
  return shown
}

/** Decision records of a delivery, oldest first (PROTOCOL 6). */
export async function listDecisions(open: OpenDevice, dl: string): Promise<readonly Record<string, unknown>[]> {
  const answer = await open.client.call({ method: 'GET', path: `/v1/deliveries/${dl}/decisions` })
  return answer.json(DecisionsShape).items
}

/** Everything that an auditor needs, as the server gave it. */
export async function fetchEvidence(open: OpenDevice, dl: string): Promise<Uint8Array> {
  return (await open.client.call({ method: 'GET', path: `/v1/deliveries/${dl}/evidence` })).content
}
