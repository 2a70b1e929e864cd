import type { DeviceId, EpochSeconds, UserId } from '@keyferry/protocol'

export type ProofMethod = 'device-signature' | 'access-signature' | 'session'

export interface Proof {
  readonly method: ProofMethod
  readonly at: EpochSeconds
}

/**
 * When each party last made a signed request (PROTOCOL 6). Kept in memory: after a restart the next request proves anew, which
 * costs a wake-up and grants nothing.
 */
export interface ProofWindows {
  note(party: DeviceId | UserId, proof: Proof): void
  /** The latest proof if it is not older than `windowSeconds`, else null. */
  fresh(party: DeviceId | UserId, now: EpochSeconds, windowSeconds?: number): Proof | null
  /** Those whose latest proof is fresh. Forgets all others. */
  freshParties(now: EpochSeconds): readonly (DeviceId | UserId)[]
  readonly windowSeconds: number
}

export function proofWindows(windowSeconds: number): ProofWindows {
  const latest = new Map<DeviceId | UserId, Proof>()
  return {
    windowSeconds,
    note(party, proof) {
      latest.set(party, proof)
    },
    fresh(party, now, seconds = windowSeconds) {
      const proof = latest.get(party)
      return proof !== undefined && now - proof.at <= seconds ? proof : null
    },
    freshParties(now) {
      for (const [party, { at }] of latest) if (now - at > windowSeconds) latest.delete(party)
      return [...latest.keys()]
    },
  }
}
