import type { KeyRecord, OpenDevice } from '@keyferry/device'
import { ownerOf } from '@keyferry/protocol'
import { fingerprint } from '../console/ids.ts'
import { quoted } from '../console/quoted.ts'

/**
 * Whose key it is, as people say it, where it is another user's: only his devices give it on (PROTOCOL 9.1, S4).
 * @returns null for a key of the own user
 */
export function foreignOwner({ store }: Pick<OpenDevice, 'store'>, { key }: Pick<KeyRecord, 'key'>): string | null {
  const state = store.seen.state()
  const owner = ownerOf(key.id)
  if (owner === state.user) return null
  const pin = state.pin(owner)
  return pin === null ? `the user ${fingerprint(owner, 16)} …` : quoted(pin.username)
}
