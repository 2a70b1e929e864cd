import type { AccessAnswer, AccessCall } from './access-call.ts'

export type { AccessAnswer, AccessCall } from './access-call.ts'

/** An answer, and which policy gave it: the decision record (PROTOCOL 6) names both. */
export interface Ruling extends AccessAnswer {
  /** b64u SHA-256 of the policy that gave this answer, whatever is in force by now. */
  readonly policy: string
}

/**
 * Where AC1 and AC2 are decided, as the use cases see it. It can only refuse: devices believe no permit (PROTOCOL 2.4).
 * Calls may run concurrently and change nothing.
 */
export interface AccessDecision {
  /** b64u SHA-256 of the policy in force now. */
  readonly policyHash: string
  /**
   * Never rejects. `null` is *no decision*: the engine failed, or took too long. The state stays as it is and the call is
   * repeated until the deadline (PROTOCOL 6); at E1 that is 503 `unavailable`.
   */
  decide(call: AccessCall): Promise<Ruling | null>
}

/** What gives the answers: the built-in Cedar engine, or an AuthZEN decision point elsewhere. Throws or rejects when it cannot. */
export interface AccessEngine {
  readonly policyHash: string
  /** At once, or later. */
  decide(call: AccessCall): Ruling | Promise<Ruling>
}
