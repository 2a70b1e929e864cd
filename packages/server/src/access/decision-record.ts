import { hash } from 'node:crypto'
import { type DeliveryId, type EpochSeconds, type Ref, utf8 } from '@keyferry/protocol'
import type { AccessCall, AccessStage } from './access-call.ts'

export interface DecisionFacts {
  readonly dl: DeliveryId
  readonly attempt: number
  readonly stage: AccessStage
  readonly decision: 'permit' | 'deny' | 'wait'
  readonly reason: string
  /** b64u SHA-256 of the policy. */
  readonly policy: string
  readonly call: AccessCall
  readonly at: EpochSeconds
}

export interface DecisionRecord {
  /** JSON, kept and shown as it is. */
  readonly octets: Uint8Array
  /** b64u SHA-256 of the octets: what the log's leaf of typ `decision` names. */
  readonly ref: Ref
}

/** The record that each decision leaves (PROTOCOL 6): what was decided, by which policy, over which call. */
export function decisionRecord(facts: DecisionFacts): DecisionRecord {
  const record = {
    v: 1,
    dl: facts.dl,
    attempt: facts.attempt,
    stage: facts.stage,
    decision: facts.decision,
    reason: facts.reason,
    policy: facts.policy,
    input: hashOf(callOctets(facts.call)),
    at: facts.at,
  }
  const octets = utf8(JSON.stringify(record))
  return { octets, ref: hashOf(octets) as Ref }
}

/** The octets of a call: what an external decision point gets, and what `input` is the hash of. */
export function callOctets(call: AccessCall): Uint8Array {
  return utf8(JSON.stringify(call))
}

function hashOf(octets: Uint8Array): string {
  return hash('sha256', octets, 'base64url')
}
