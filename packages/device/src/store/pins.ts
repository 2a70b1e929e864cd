import type { UserId } from '@keyferry/protocol'
import type { Pin } from '../trust/trust-state.ts'

/** Roots that this device's human compared, or that it believed once (PROTOCOL 3). One pin a root, one root a name. */
export interface PinStore {
  find(user: UserId): Pin | null
  named(username: string): Pin | null
  list(): Pin[]
  /**
   * Replaces an earlier pin of the same root; a `tofu` pin does not replace a `pinned` one.
   * @throws {KeyferryError} `pin-conflict` if the name is pinned to another root: remove that pin first.
   */
  put(pin: Pin): void
  /** A no-op if there is none. */
  remove(user: UserId): void
}
