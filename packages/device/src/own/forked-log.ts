import { type EpochSeconds, KeyferryError } from '@keyferry/protocol'
import type { Client } from '../client/client.ts'
import type { DeviceStore } from '../store/device-store.ts'
import type { Alarm } from '../store/journal.ts'
import { reportNote } from './older-log.ts'

const REPORT_MILLISECONDS = 10_000

/** Two notes of one log, both rightly signed, of which the later is no growth of the earlier (PROTOCOL 11). */
export interface Fork {
  /** What this device relied on. */
  readonly mine: string
  /** What it was shown then. */
  readonly shown: string
}

/** The notes that a failed check holds against the log; null where not both of them are signed. */
export function forkOf(error: unknown): Fork | null {
  if (!(error instanceof KeyferryError) || error.code !== 'log-inconsistent') return null
  const { mine, shown } = error.details
  return typeof mine === 'string' && typeof shown === 'string' ? { mine, shown } : null
}

/** Whether it stops all transfers until a human acts: a fork does, a misfit with an unsigned checkpoint rejects one delivery only. */
export function stopsTransfers({ reason, facts }: Pick<Alarm, 'reason' | 'facts'>): boolean {
  const isRecord = typeof facts === 'object' && facts !== null && !Array.isArray(facts)
  return reason === 'log-inconsistent' && isRecord && 'mine' in facts && 'shown' in facts
}

/**
 * Keeps both notes in an alarm, then shows them to the server: if it is not the one that lies, it learns that it was restored or robbed.
 * It is told once, and its silence is no matter: the alarm stands before.
 */
export async function keepFork(
  { store, client, now }: { store: DeviceStore; client: Client; now: () => EpochSeconds },
  { mine, shown }: Fork,
): Promise<void> {
  const alarm = { reason: 'log-inconsistent', subject: client.origin, facts: { mine, shown }, at: now() }
  if (!store.alarms.raise(alarm)) return
  const signal = AbortSignal.timeout(REPORT_MILLISECONDS)
  await Promise.allSettled([mine, shown].map((note) => reportNote({ client }, note, signal)))
}
