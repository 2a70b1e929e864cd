import type { EpochSeconds, PublicSigningJwk, Thumbprint, Trust } from '@keyferry/protocol'
import type { LocalRules } from '../trust/trust-state.ts'

/** Log key, witnesses, quorum and CAs of the trust file (PROTOCOL 2.2, 3). */
export interface AnchorStore {
  /** `null` until the device has joined. */
  find(): Trust | null
  /** Takes what enrolment or a human says. Another `log` ends the last checkpoint kept. What a set says comes by `SeenStore`. */
  put(trust: Trust): void
}

export interface ServerKey {
  readonly id: Thumbprint
  /** `null` while only the id is pinned: the configuration brings the key, whose thumbprint it must be. */
  readonly jwk: PublicSigningJwk | null
  readonly since: EpochSeconds
}

/** The server keys whose answers this device believes (PROTOCOL 17). */
export interface ServerKeyStore {
  list(): ServerKey[]
  find(id: Thumbprint): ServerKey | null
  put(key: ServerKey): void
  /** A no-op if it is not there. */
  remove(id: Thumbprint): void
}

/** Local rules. Whoever controls them controls what this device gives away; no answer of a server changes them. */
export interface RuleStore {
  /** The defaults where nothing else was said. */
  find(): LocalRules
  /** The rules named are changed, the others stay. */
  put(rules: Partial<LocalRules>): void
}
