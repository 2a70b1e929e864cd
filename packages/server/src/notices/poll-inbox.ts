import { idShape, type NoticeId } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Wakeups } from '../wakeups.ts'
import { recipientOf } from './recipient.ts'
import type { NoticeSigner } from './sign-notice.ts'

const DEFAULT_MAX = 32
const MOST = 100
/** A device that acknowledges more than this sends a second poll. */
const MOST_ACKNOWLEDGED = 500

/** Body of `POST /v1/inbox/poll` (PROTOCOL 12). */
export interface InboxPoll {
  max?: number
  ack?: NoticeId[]
}
export const InboxPollShape: z.ZodType<InboxPoll> = z.strictObject({
  max: z.int().min(1).max(MOST).exactOptional(),
  ack: z.array(idShape('nt')).max(MOST_ACKNOWLEDGED).exactOptional(),
})

export interface InboxView {
  /** Compact JWS by notice id, oldest first. */
  notices: Record<string, string>
  more: boolean
}
export const InboxViewShape: z.ZodType<InboxView> = z.object({
  notices: z.record(z.string(), z.string()),
  more: z.boolean(),
})

export interface InboxParts {
  readonly context: Pick<ServerContext, 'read' | 'commit' | 'clock'>
  readonly wakeups: Wakeups
  readonly signer: NoticeSigner
}

/**
 * Acknowledges, then hands out what waits, and waits for it up to `waitSeconds`. A notice is repeated until an `ack` names it;
 * the acknowledgement is durable before the answer.
 */
export async function pollInbox(
  { context, wakeups, signer }: InboxParts,
  caller: Caller,
  poll: InboxPoll,
  waitSeconds = 0,
  abort?: AbortSignal,
): Promise<InboxView> {
  const recipient = recipientOf(caller)
  const max = poll.max ?? DEFAULT_MAX
  if (poll.ack !== undefined && poll.ack.length > 0) {
    await context.commit([{ kind: 'acknowledge-notices', recipient, ids: poll.ack }])
  }
  const until = performance.now() + waitSeconds * 1000
  const listener = waitSeconds > 0 ? wakeups.listen(recipient) : null
  try {
    for (;;) {
      const rows = await context.read.inbox(recipient, context.clock.now(), max + 1)
      const left = until - performance.now()
      if (rows.length > 0 || listener === null || left <= 0 || !(await listener.next(left, abort))) {
        const shown = await Promise.all(
          rows.slice(0, max).map(async (row) => [row.id, await signer.sign(row)] as const),
        )
        return { notices: Object.fromEntries(shown), more: rows.length > max }
      }
    }
  } finally {
    listener?.close()
  }
}
