import { type OpenDevice, renewOwn } from '@keyferry/device'
import { KeyferryError } from '@keyferry/protocol'

const EVERY_MILLISECONDS = 6 * 3_600_000

/** What an agent does beside deliveries: statement, set and server keys that would run out are renewed. */
export async function upkeep(open: OpenDevice, problem: (error: KeyferryError) => void): Promise<void> {
  try {
    await renewOwn(open)
  } catch (error) {
    // Without network the next round does it; what a check stopped is told, and deliveries go on.
    if (error instanceof KeyferryError) problem(error)
    else if (!(error instanceof Error && error.name === 'UnreachableError')) throw error
  }
}

/** Again and again until the signal aborts. */
export async function keepUp(
  open: OpenDevice,
  signal: AbortSignal,
  problem: (error: KeyferryError) => void,
): Promise<void> {
  while (!signal.aborted) {
    await upkeep(open, problem)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, EVERY_MILLISECONDS)
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
