import { createCipheriv, createDecipheriv } from 'node:crypto'
import { type DeliveryId, KeyferryError } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Random } from '../ports.ts'
import type { DeliveryRow, SealedEnvelopeRow } from '../store/rows.ts'

const NONCE_OCTETS = 12
const TAG_OCTETS = 16

/**
 * Seals envelope octets under a random key of this delivery (AES-256-GCM), so that erasing 32 octets erases them (PROTOCOL 5).
 * The key is used once, so the nonce need not be random.
 */
export function sealEnvelope(random: Random, dl: DeliveryId, attempt: number, octets: Uint8Array): SealedEnvelopeRow {
  const key = random.octets(32)
  const nonce = new Uint8Array(NONCE_OCTETS)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(aad(dl, attempt))
  const sealed = Buffer.concat([nonce, cipher.update(octets), cipher.final(), cipher.getAuthTag()])
  return { dl, attempt, sealed, key }
}

/** @throws {KeyferryError} `unavailable` if the store holds something else than was sealed. */
export async function openSealedEnvelope(context: ServerContext, delivery: DeliveryRow): Promise<Uint8Array> {
  const row = await context.read.sealedEnvelope(delivery.dl, delivery.attempt)
  if (row === null) throw new KeyferryError('unavailable', 'the envelope is not there', { retryAfter: 60 })
  const nonce = row.sealed.subarray(0, NONCE_OCTETS)
  const tag = row.sealed.subarray(-TAG_OCTETS)
  try {
    const cipher = createDecipheriv('aes-256-gcm', row.key, nonce)
    cipher.setAAD(aad(row.dl, row.attempt))
    cipher.setAuthTag(tag)
    return Buffer.concat([cipher.update(row.sealed.subarray(NONCE_OCTETS, -TAG_OCTETS)), cipher.final()])
  } catch (cause) {
    throw new KeyferryError('unavailable', 'the stored envelope is damaged', { retryAfter: 3600 }, { cause })
  }
}

function aad(dl: DeliveryId, attempt: number): Uint8Array {
  return Buffer.from(`${dl} ${attempt}`)
}
