import { type EpochSeconds, KeyferryError, type PublicSigningJwk, type Signer } from '@keyferry/protocol'

/** Old and new server key are both listed for at least so long before the new one signs (PROTOCOL 17). */
export const ROLL_OVER_SECONDS: number = 90 * 24 * 60 * 60

export interface RingKey {
  readonly signer: Signer
  /** From then on it signs, until the next one does. */
  readonly activeAt: EpochSeconds
}

/** The keys in whose name the server speaks. Devices pin them: one is followed only by one that it announced. */
export interface KeyRing {
  /** Who signs answers and notices now. */
  signerAt(now: EpochSeconds): Signer
  /**
   * What the configuration lists: the key that signs, then those announced. One that signs no more is no longer listed, so
   * that who stole it cannot pass it on.
   */
  listedAt(now: EpochSeconds): readonly PublicSigningJwk[]
}

/** @throws {KeyferryError} `unavailable` without any key. */
export function keyRing(keys: readonly RingKey[]): KeyRing {
  const newestFirst = keys.toSorted((a, b) => b.activeAt - a.activeAt)
  if (newestFirst.length === 0) throw new KeyferryError('unavailable', 'this server has no key')
  function listed(now: EpochSeconds): readonly RingKey[] {
    const current = newestFirst.findIndex((key) => key.activeAt <= now)
    // A clock that was set back must not silence the server: then its oldest key goes on.
    return newestFirst.slice(0, current === -1 ? newestFirst.length : current + 1).reverse()
  }
  return {
    signerAt: (now) => (listed(now)[0] as RingKey).signer,
    listedAt: (now) => listed(now).map((key) => key.signer.jwk),
  }
}
