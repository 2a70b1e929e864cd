import type { EpochSeconds } from '@keyferry/protocol'

/** The moment at which tests begin: 2026-11-24T12:00:00Z, that of the examples of PROTOCOL. */
export const NOW: EpochSeconds = 1_795_521_600

/** A clock that only a test turns. Fits the server's and the device's `Clock`. */
export interface FakeClock {
  now(): EpochSeconds
  advance(seconds: number): void
  set(at: EpochSeconds): void
}

export function fakeClock(at: EpochSeconds = NOW): FakeClock {
  let current = at
  return {
    now: () => current,
    advance(seconds) {
      current += seconds
    },
    set(next) {
      current = next
    },
  }
}
