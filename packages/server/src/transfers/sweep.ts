import type { ServerContext } from '../context.ts'
import { isConflict } from './conflict.ts'
import { lapse } from './lapse.ts'
import { decideAgain } from './pending.ts'

const BATCH = 100
const MAX_BATCHES = 1000
/** How long what is over stays for repeats: notices, idempotency entries, enrolments. */
const KEEP_SECONDS = 24 * 3600

/**
 * Row 13 of PROTOCOL 5: deliveries past their deadline expire; decisions that were not made are asked for again; what nobody asks for
 * any more is deleted.
 * @returns How many deliveries expired.
 */
export async function sweep(context: ServerContext, signal?: AbortSignal): Promise<number> {
  const expired = await expireOverdue(context, signal)
  await decideAgain(context, signal)
  await forgetExpired(context, signal)
  return expired
}

/** In small units, so that nobody else waits long for the writer. */
async function forgetExpired(context: ServerContext, signal: AbortSignal | undefined): Promise<void> {
  const before = context.clock.now() - KEEP_SECONDS
  for (let batch = 0; batch < MAX_BATCHES && signal?.aborted !== true; batch++) {
    if (!(await context.read.hasExpired(before))) return
    await context.commit([{ kind: 'sweep-expired', before, limit: BATCH }])
  }
}

async function expireOverdue(context: ServerContext, signal: AbortSignal | undefined): Promise<number> {
  let expired = 0
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const overdue = await context.read.overdue(context.clock.now(), BATCH)
    for (const delivery of overdue) {
      if (signal?.aborted === true) return expired
      try {
        await context.commit(lapse(context, delivery).changes)
        expired++
      } catch (error) {
        if (!isConflict(error)) throw error
      }
    }
    if (overdue.length < BATCH) break
  }
  return expired
}
