import { KeyferryError, withErrorCode } from '@keyferry/protocol'
import type { Log } from './log.ts'

/**
 * A signed note that somebody holds against this log (PROTOCOL 10, 11).
 * @returns whether it fits. One that does not means that this server was restored from a backup: `onMisfit` stops all writes.
 * @throws {KeyferryError} `malformed` for a note that this log did not sign: it says nothing of it.
 */
export async function reportNote(
  log: Pick<Log, 'fits'>,
  note: string,
  onMisfit: (note: string) => Promise<void>,
): Promise<boolean> {
  const fits = await asMalformed(() => log.fits(note))
  if (fits === null) throw new KeyferryError('malformed', 'this log has not signed the note')
  if (!fits) await onMisfit(note)
  return fits
}

async function asMalformed<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    return withErrorCode('malformed', () => {
      throw error
    })
  }
}
