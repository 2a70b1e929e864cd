import type { ServerContext } from '../context.ts'
import { isConflict } from './conflict.ts'
import { step } from './step.ts'

const BATCH = 100
const MAX_BATCHES = 1000
/** How long what is over stays for repeats: notices, idempotency entries, enrolments. */
const KEEP_SECONDS = 24 * 3600

/**
 * Row 13 of PROTOCOL 5: deliveries past their deadline expire, and what nobody asks for any more is deleted.
 * @returns How many deliveries expired.
 */
export async function sweep(context: ServerContext, signal?: AbortSignal): Promise<number> {
  let expired = 0
  const now = context.clock.now()
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const overdue = await context.read.overdue(now, BATCH)
    for (const delivery of overdue) {
      if (signal?.aborted === true) return expired
      try {
        await context.commit(step(context, delivery, 'expire', { reason: 'deadline' }).changes)
        expired++
      } catch (error) {
        if (!isConflict(error)) throw error
      }
    }
    if (overdue.length < BATCH) break
  }
  await context.commit([{ kind: 'sweep-expired', before: now - KEEP_SECONDS }])
  return expired
}
