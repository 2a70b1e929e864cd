import type { EpochSeconds, Thumbprint } from '@keyferry/protocol'

/**
 * Longest time for which a spent nonce has to be known: `created` at most 60 s ahead, `expires` 300 s after it, and 60 s more
 * (PROTOCOL 4).
 */
const MEMORY_SECONDS = 420

/** Nonces that were spent, per key (PROTOCOL 4). */
export interface SpentNonces {
  has(keyid: Thumbprint, nonce: string): boolean
  /** Spends it. `false` if it was spent before. */
  spend(keyid: Thumbprint, nonce: string, now: EpochSeconds): boolean
}

/**
 * Kept in memory in two generations, each filled for `MEMORY_SECONDS`: what is forgotten, is forgotten as a whole set, so no request
 * pays for sweeping. What was spent before this process started is unknown here; see `authenticate.ts`.
 */
export function spentNonces(): SpentNonces {
  let young = new Set<string>()
  let old = new Set<string>()
  let since: EpochSeconds | null = null
  function has(keyid: Thumbprint, nonce: string): boolean {
    const entry = `${keyid}.${nonce}`
    return young.has(entry) || old.has(entry)
  }
  return {
    has,
    spend(keyid, nonce, now) {
      since ??= now
      if (now - since >= MEMORY_SECONDS) {
        old = young
        young = new Set()
        since = now
      }
      if (has(keyid, nonce)) return false
      young.add(`${keyid}.${nonce}`)
      return true
    },
  }
}
