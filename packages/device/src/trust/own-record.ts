import {
  type ContainerId,
  equalJson,
  KeyferryError,
  type Mechanism,
  type MinExposure,
  type OrderKey,
  type TransportKeyInfo,
} from '@keyferry/protocol'

/**
 * What this device itself knows of a key that it may order or wrap (PROTOCOL 2.4, *Own record*). What the server says of a key is a
 * hint that must agree with it.
 */
export interface OwnRecord {
  readonly key: OrderKey
  readonly container: ContainerId | null
  readonly username: string | null
  readonly minExposure: MinExposure
  readonly mechanisms: readonly Mechanism[]
  readonly algs: readonly string[]
  /** May go to devices of the own user without asking. */
  readonly auto: boolean
  readonly browsers: boolean
}

/**
 * S4: I hold it, it is my user's, and the KtI says what my own record says.
 * @throws {KeyferryError} `key-absent`, `key-mismatch`, `generation-old`, `declined`
 */
export function checkOwnRecord(
  record: OwnRecord | null,
  kti: Pick<TransportKeyInfo, 'key' | 'container' | 'username'>,
): OwnRecord {
  if (record === null) throw new KeyferryError('key-absent', 'this device does not hold this key')
  const { generation: mine, ...own } = record.key
  const { generation, ...named } = kti.key
  const sameKey = equalJson(own, named)
  const sameContext =
    kti.container === (record.container ?? undefined) && kti.username === (record.username ?? undefined)
  if (!sameKey || !sameContext)
    throw new KeyferryError('key-mismatch', 'the server describes this key otherwise than my record')
  if (generation !== mine) throw new KeyferryError('generation-old', 'this is not the current generation of the key')
  return record
}
