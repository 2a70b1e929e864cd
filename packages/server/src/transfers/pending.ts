import type { DeliveryId, DeviceId } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { decideOne } from './decide.ts'

/** At most so many decisions, for so long, before the request that brought the proof is answered (PROTOCOL 6). */
export const PENDING_LIMIT = 16
const PENDING_MILLISECONDS = 1000

/**
 * Runs decisions that wait for this device's proof, as many as one request waits for: as source AC1, as target AC2. Call it after a
 * signed request was authenticated and before it is answered, then again at once with the same `asked` while some are left.
 * @param asked - those that this run has asked about. Some stay as they are (an approval is missing): they are not asked again.
 * @returns Whether some are left.
 */
export async function decidePending(
  context: ServerContext,
  device: DeviceId,
  asked: Set<DeliveryId> = new Set(),
): Promise<boolean> {
  const startedAt = performance.now()
  const proof = context.proofs.fresh(device, context.clock.now())
  if (proof === null) return false
  const pending = await context.read.pendingDecisions(device, asked.size + PENDING_LIMIT + 1)
  const next = pending.filter(({ dl }) => !asked.has(dl))
  for (const delivery of next.slice(0, PENDING_LIMIT)) {
    if (performance.now() - startedAt > PENDING_MILLISECONDS) return true
    asked.add(delivery.dl)
    await decideOne(context, delivery, proof)
  }
  return next.length > PENDING_LIMIT
}

/**
 * All decisions that wait for parties whose proof is still fresh: without a decision the call is repeated until the deadline
 * (PROTOCOL 6), a `notBefore` comes, a policy changes.
 */
export async function decideAgain(context: ServerContext, signal?: AbortSignal): Promise<void> {
  for (const party of context.proofs.freshParties(context.clock.now())) {
    const asked = new Set<DeliveryId>()
    do {
      if (signal?.aborted === true) return
    } while (await decidePending(context, party as DeviceId, asked))
  }
}
