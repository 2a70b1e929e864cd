import type { AccessDecision } from './access/access-decision.ts'
import type { ProofWindows } from './access/proof-windows.ts'
import type { Log } from './log/log.ts'
import type { Clock, Random } from './ports.ts'
import type { StatementCache } from './signing/statement-cache.ts'
import type { Change, Committed } from './store/changes.ts'
import type { Reader } from './store/store.ts'

/** Sizes and counts that the server answers for (PROTOCOL 17, `limits`), octets of HTTP content. */
export interface Limits {
  readonly bodyBytes: number
  readonly transferBytes: number
  readonly setBytes: number
  readonly headerBytes: number
  readonly envelopeBytes: number
  readonly targets: number
}

/** What a use case may reach. Use cases are functions of this, of who calls, and of what was sent; they know no HTTP. */
export interface ServerContext {
  readonly read: Reader
  /**
   * Writes a unit of work, feeds its leaves to the log, then wakes whoever waits for what changed.
   * Resolves when durable; see `Store.commit` for its errors.
   */
  commit(changes: readonly Change[]): Promise<Committed>
  readonly log: Log
  readonly access: AccessDecision
  readonly statements: StatementCache
  readonly proofs: ProofWindows
  readonly clock: Clock
  readonly random: Random
  readonly origin: string
  readonly limits: Limits
  /** Suites that this server offers, best first: a hint for devices, an order for `options`. */
  readonly suites: readonly string[]
}
