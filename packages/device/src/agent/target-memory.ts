import type { ReplayEntry } from '../store/replay.ts'

/** What a process remembers between steps; after a crash the next one does without. */
export interface TargetMemory {
  /** Envelopes collected but not yet settled: a server gives each three times at the most. */
  readonly collected: Map<string, Uint8Array>
  /** Attempts whose key was put where programs use it. */
  readonly placed: Set<string>
}

export function targetMemory(): TargetMemory {
  return { collected: new Map(), placed: new Set() }
}

/** Names an attempt in it. */
export function nameOf({ dl, attempt }: Pick<ReplayEntry, 'dl' | 'attempt'>): string {
  return `${dl} ${attempt}`
}
