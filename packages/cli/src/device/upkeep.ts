import { currentCheckpoint, type OpenDevice, pause, renewOwn, UnreachableError } from '@keyferry/device'
import { KeyferryError } from '@keyferry/protocol'

const EVERY_MILLISECONDS = 6 * 3_600_000
const LOG_EVERY_MILLISECONDS = 5 * 60_000

/** What an agent does beside deliveries: statement, set and server keys that would run out are renewed. */
export async function upkeep(open: OpenDevice, problem: (error: KeyferryError) => void): Promise<void> {
  try {
    await renewOwn(open)
  } catch (error) {
    // Without network the next round does it; what a check stopped is told, and deliveries go on.
    // That it was revoked is what ends the agent, and is told there.
    if (error instanceof KeyferryError) {
      if (error.code !== 'device-revoked') problem(error)
    } else if (!(error instanceof UnreachableError)) throw error
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
    await pause(EVERY_MILLISECONDS, signal)
  }
}

/**
 * Whether the log still holds what this device relied on: a server that was restored from a backup, or shows this device another log, would
 * else be noticed with the next key only, and may keep that back. Witnesses that are late are no matter here.
 * @throws {KeyferryError} `checkpoint-stale` with `olderThan`, `checkpoint-invalid`, `log-inconsistent`
 */
export async function requireGrownLog(open: OpenDevice): Promise<void> {
  try {
    await currentCheckpoint(open)
  } catch (error) {
    if (isAboutLog(error)) throw error
    if (!(error instanceof KeyferryError || error instanceof UnreachableError)) throw error
  }
}

function isAboutLog(error: unknown): boolean {
  if (!(error instanceof KeyferryError)) return false
  if (error.code === 'checkpoint-stale') return error.details.olderThan !== undefined
  return error.code === 'checkpoint-invalid' || error.code === 'log-inconsistent'
}

/** Looks every few minutes until the signal aborts; what is wrong is told once. */
export async function watchLog(
  open: OpenDevice,
  signal: AbortSignal,
  problem: (error: KeyferryError) => void,
  wait: typeof pause = pause,
): Promise<void> {
  let told = ''
  while (!signal.aborted) {
    try {
      await requireGrownLog(open)
      told = ''
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error
      if (error.message !== told) problem(error)
      told = error.message
    }
    await wait(LOG_EVERY_MILLISECONDS, signal)
  }
}
