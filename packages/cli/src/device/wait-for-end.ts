import { type OpenDevice, showTransfer, type TransferShown, UnreachableError } from '@keyferry/device'
import type { TransferId } from '@keyferry/protocol'
import { typeableId } from '../console/ids.ts'
import type { Invocation } from '../invocation.ts'
import { devicesAwaited, waitText } from '../views/transfer.ts'
import { lastSeenOf } from './own-devices.ts'

const HELD_SECONDS = 50
const AGAIN_MILLISECONDS = 3000

/**
 * Waits until every delivery of a transfer has ended, the time is over, or Ctrl-C: the transfer goes on in any case.
 * @param seconds - at most; may be infinite.
 * @returns the last that was seen; null if nothing was.
 */
export async function waitForEnd(
  { system, output }: Invocation,
  open: OpenDevice,
  tr: TransferId,
  seconds: number,
): Promise<{ readonly transfer: TransferShown } | null> {
  const signal = system.interruption()
  const until = Date.now() + seconds * 1000
  let last = await showTransfer(open, tr)
  if (last?.transfer.state === 'open')
    output.say(`Ctrl-C leaves it going; \`keyferry transfer show ${typeableId(tr)}\` looks again`)
  let told = ''
  // As of now, so that only what changes is said again.
  const shown = { open, now: open.now(), lastSeen: await lastSeenOf(open, devicesAwaited(last?.transfer)) }
  while (last !== null && last.transfer.state === 'open' && Date.now() < until && !signal.aborted) {
    const texts = last.transfer.deliveries.map((delivery) => waitText(shown, delivery))
    const waits = [...new Set(texts.filter((text) => text !== ''))].join('; ')
    if (waits !== told && waits !== '') output.more(waits)
    told = waits
    const held = Math.min(HELD_SECONDS, Math.max(1, Math.ceil((until - Date.now()) / 1000)))
    try {
      last = (await showTransfer(open, tr, { seconds: held, etag: last.etag, signal })) ?? last
    } catch (error) {
      if (signal.aborted) break
      if (!(error instanceof UnreachableError)) throw error
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MILLISECONDS))
    }
  }
  return last
}
