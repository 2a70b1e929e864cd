import { KeyferryError, utf8 } from '@keyferry/protocol'
import * as z from 'zod'
import type { OpenDevice } from '../open-device.ts'

type Reporter = Pick<OpenDevice, 'client' | 'store'>

/**
 * Shows the server a note of its own log that may not fit what it has (PROTOCOL 7, 10, 11): if so, it takes nothing more until its
 * operator starts a new log.
 * @returns whether the server says that it fits; null if it says nothing.
 */
export async function reportNote(
  { client }: Pick<Reporter, 'client'>,
  note: string,
  signal?: AbortSignal,
): Promise<boolean | null> {
  try {
    const text = { octets: utf8(note), type: 'text/plain' } as const
    const answer = await client.call({
      method: 'POST',
      path: '/v1/log/reports',
      text,
      ...(signal === undefined ? {} : { signal }),
    })
    return answer.json(z.looseObject({ fits: z.boolean() })).fits
  } catch (error) {
    if (error instanceof KeyferryError) return null
    throw error
  }
}

/**
 * What a failed look at the log means: where the server cannot fit in the last checkpoint that this device relied on, its log is an older
 * one, restored from a backup, or one shown to this device alone.
 * @returns `checkpoint-stale` with the detail `olderThan` (the size seen) then; else the error as it was.
 */
export async function asOlderLog({ client, store }: Reporter, error: unknown): Promise<unknown> {
  if (!(error instanceof KeyferryError) || !MAY_BE_OLDER.has(error.code)) return error
  const { checkpoint } = store.seen.state()
  if (checkpoint === null || (await reportNote({ client }, checkpoint.note)) !== false) return error
  const text = 'the server shows an older log than you have seen: a restored backup, or a lie'
  return new KeyferryError('checkpoint-stale', text, { olderThan: checkpoint.size }, { cause: error })
}

/** The first is of a checkpoint, the second the answer to a size that the log has not. */
const MAY_BE_OLDER: ReadonlySet<string> = new Set(['checkpoint-stale', 'malformed'])
