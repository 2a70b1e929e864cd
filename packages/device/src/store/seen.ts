import type { Ref, UserId } from '@keyferry/protocol'
import type { Learned, SeenCheckpoint, TrustState } from '../trust/trust-state.ts'

/** Without a checkpoint: what this device signed itself, which it knows without the log. */
export type Seen = Omit<Learned, 'checkpoint'> & { readonly checkpoint: SeenCheckpoint | null }

/** What this device has seen and never goes back behind (PROTOCOL 3, 10), as checks read it and as they leave it. */
export interface SeenStore {
  /**
   * All that checks ask about, copied at one moment: it does not change while they wait for the network.
   * @throws {DeviceError} `profile-absent` before the device has joined.
   */
  state(): TrustState
  /**
   * Stores what a check learned, all of it or nothing (PROTOCOL 3: "stored together once S11 (T7) has passed").
   *
   * @param basis - the state that the check was given. If another process has meanwhile changed any entry that `learned`
   * touches, nothing is stored, because the check was made against an older one.
   * @param texts - device sets by ref (compact JWS), kept beside the entry of their user.
   * @throws {KeyferryError} `state-conflict`: take a new state, check again. `set-rollback`, `statement-rollback` if it would
   * go back all the same; `pin-conflict`.
   */
  commit(basis: TrustState, learned: Seen, texts?: ReadonlyMap<Ref, string>): void
  /** The newest set seen of a user, as received; `null` if none was kept. */
  setText(user: UserId): string | null
}
