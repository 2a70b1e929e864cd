import { type DeliveryId, type DeviceId, type EpochSeconds, KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { decidePending } from '../transfers/pending.ts'

/** `lastProofAt` of a device is for people and need not be exact: a write for each request would cost more than it tells. */
const SHOWN_AFTER_SECONDS = 300

/** Takes note that a caller is there, and makes the decisions that waited for it (PROTOCOL 6). */
export type NotePresence = (caller: Caller, now: EpochSeconds) => Promise<void>

/**
 * A signed request is the proof: pending decisions run before it is answered, those beyond the limit right after it.
 * What fails there does not fail the request: the decisions are tried again by the next request and by the sweeper.
 */
export function presence(context: ServerContext, reportError: (error: unknown) => void): NotePresence {
  const noting = new Set<DeviceId>()
  const deciding = new Set<DeviceId>()

  async function show(device: DeviceId, at: EpochSeconds): Promise<void> {
    noting.add(device)
    try {
      await context.commit([{ kind: 'note-proof', device, at }])
    } catch (error) {
      report(error)
    } finally {
      noting.delete(device)
    }
  }

  async function decideRest(device: DeviceId, asked: Set<DeliveryId>): Promise<void> {
    deciding.add(device)
    try {
      while (await decidePending(context, device, asked)) await new Promise(setImmediate)
    } catch (error) {
      report(error)
    } finally {
      deciding.delete(device)
    }
  }

  return async (caller, now) => {
    if (caller.type !== 'device') return
    const { id, lastProofAt } = caller.device
    context.proofs.note(id, { method: caller.method, at: now })
    if ((lastProofAt === null || now - lastProofAt >= SHOWN_AFTER_SECONDS) && !noting.has(id)) void show(id, now)
    if (deciding.has(id)) return
    const asked = new Set<DeliveryId>()
    try {
      if (await decidePending(context, id, asked)) setImmediate(decideRest, id, asked)
    } catch (error) {
      report(error)
    }
  }

  /** A server that is read-only says so to everybody who asks: once more for each request would hide the rest of the log. */
  function report(error: unknown): void {
    if (!(error instanceof KeyferryError && error.code === 'read-only')) reportError(error)
  }
}
