import type { Thumbprint } from '@keyferry/protocol'
import { fetchConfiguration } from '../enrolment/configuration.ts'
import type { OpenDevice } from '../open-device.ts'

export interface ServerKeyChange {
  readonly added: readonly Thumbprint[]
  readonly removed: readonly Thumbprint[]
}

/**
 * Follows the server's keys (PROTOCOL 17): from a configuration that a pinned key signed it takes those that it lists, also announced
 * ones, and drops those that it lists no more. Once in the 90 days of a roll-over is enough; who missed it needs a human.
 * @throws {KeyferryError} `response-invalid` if no pinned key signed it
 */
export async function followServerKeys(
  open: Pick<OpenDevice, 'store' | 'transport' | 'now'>,
): Promise<ServerKeyChange> {
  const { store, transport, now } = open
  const pinned = new Map(store.serverKeys.list().map((key) => [key.id, key]))
  const { keys, signedBy } = await fetchConfiguration(transport, store.seen.state().origin, now(), (kid) =>
    pinned.has(kid),
  )
  // A key is its thumbprint: one that is pinned by id alone gets its octets here.
  const missing = [...keys].filter(([id]) => (pinned.get(id)?.jwk ?? null) === null)
  const removed = [...pinned.keys()].filter((id) => !keys.has(id) && id !== signedBy)
  store.transaction(() => {
    for (const [id, jwk] of missing) store.serverKeys.put({ id, jwk, since: pinned.get(id)?.since ?? now() })
    for (const id of removed) store.serverKeys.remove(id)
  })
  return { added: missing.map(([id]) => id).filter((id) => !pinned.has(id)), removed }
}
