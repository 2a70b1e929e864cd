import { type EpochSeconds, KeyferryError } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Wakeups } from '../wakeups.ts'
import { recipientOf } from './recipient.ts'
import type { NoticeSigner } from './sign-notice.ts'

const PAGE = 32
const COMMENT_MILLISECONDS = 15_000

export interface InboxStreamParts {
  readonly context: Pick<ServerContext, 'read' | 'clock' | 'proofs'>
  readonly wakeups: Wakeups
  readonly signer: NoticeSigner
}

/** How many streams are open, per recipient and in all. */
export interface StreamPlaces {
  /**
   * Takes a place.
   * @returns what gives it back.
   * @throws {KeyferryError} `too-many-requests`
   */
  take(recipient: string): () => void
}

export function streamPlaces(perRecipient = 4, inAll = 4096): StreamPlaces {
  const taken = new Map<string, number>()
  let all = 0
  return {
    take(recipient) {
      const own = taken.get(recipient) ?? 0
      if (own >= perRecipient || all >= inAll) {
        throw new KeyferryError('too-many-requests', 'too many streams are open', { retryAfter: 60 })
      }
      all++
      taken.set(recipient, own + 1)
      let open = true
      return () => {
        if (!open) return
        open = false
        all--
        const left = (taken.get(recipient) ?? 1) - 1
        if (left === 0) taken.delete(recipient)
        else taken.set(recipient, left)
      }
    },
  }
}

export interface StreamStart {
  readonly caller: Caller
  /** When the request that opens the stream was made: it proves presence for one window only (PROTOCOL 6). */
  readonly provedAt: EpochSeconds
  /** `id` of the last event seen. */
  readonly lastEventId: number | undefined
  readonly abort: AbortSignal
  /** How long nothing may happen before a comment is sent. */
  readonly commentMilliseconds?: number
}

/**
 * Server-sent events: notices in commit order after the one last seen, then each as it comes; a comment where nothing happens, so
 * that both ends notice a dead connection. Ends when the opening request is older than the proof window.
 * Made on demand: who reads slowly makes the server read slowly.
 */
export async function* inboxStream(
  { context, wakeups, signer }: InboxStreamParts,
  start: StreamStart,
): AsyncGenerator<string, void, undefined> {
  const recipient = recipientOf(start.caller)
  const { commentMilliseconds = COMMENT_MILLISECONDS, abort } = start
  const until = start.provedAt + context.proofs.windowSeconds
  const listener = wakeups.listen(recipient)
  let cursor = start.lastEventId
  try {
    // Sends the head of the answer at once.
    yield ': \n\n'
    while (!abort.aborted) {
      if (until - context.clock.now() <= 0) return
      const rows = await context.read.inbox(recipient, context.clock.now(), PAGE, cursor)
      for (const row of rows) {
        cursor = row.cursor
        yield `id: ${row.cursor}\nevent: notice\ndata: ${await signer.sign(row)}\n\n`
      }
      if (rows.length === PAGE) continue
      // Reading on may have taken its time: who reads slowly is written to slowly.
      const left = Math.max(until - context.clock.now(), 0)
      const heard = await listener.next(Math.min(commentMilliseconds, left * 1000), abort)
      if (!heard && !abort.aborted) yield ': \n\n'
    }
  } finally {
    listener.close()
  }
}
