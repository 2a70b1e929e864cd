import { timingSafeEqual } from 'node:crypto'
import {
  type KeyFile,
  type KeyRecord,
  type OpenDevice,
  publishKey,
  systemRandom,
  UnreachableError,
} from '@keyferry/device'
import { type KeyClass, makeKeyId, type OrderKey } from '@keyferry/protocol'
import { CliError } from '../console/cli-error.ts'
import { Explained } from '../console/failure.ts'
import { nameToKeep } from './names.ts'

export interface NewKey {
  readonly type: KeyFile['type']
  /** Key octets (PROTOCOL 8); the caller erases them. */
  readonly octets: Uint8Array
  readonly label: string
  /** `user`: for devices of the own user only; `shared`: for those of others too. `container` needs a container first. */
  readonly class: Exclude<KeyClass, 'container'>
  readonly auto: boolean
  readonly file: string | null
}

/**
 * Takes a key into the key store, makes the own record of it (PROTOCOL 2.4) and tells the server that it exists. All or nothing.
 * @param naming - what to type for another name.
 */
export async function addKey(open: OpenDevice, added: NewKey, naming = '--label NAME'): Promise<KeyRecord> {
  const label = freeLabel(open, added.label, naming)
  const { user, username } = open.store.seen.state()
  const key: OrderKey = { id: makeKeyId(user, systemRandom(16)), class: added.class, generation: 1, type: added.type }
  const record: KeyRecord = {
    key,
    container: null,
    username: added.class === 'user' ? username : null,
    minExposure: { source: 'software', target: 'software' },
    mechanisms: ['public-key'],
    algs: [...open.store.rules.find().suites],
    auto: added.auto,
    browsers: false,
    label,
    file: added.file,
    createdAt: open.now(),
  }
  open.store.transaction(() => {
    open.device.importKey({ key: key.id, generation: 1, type: added.type }, added.octets)
    open.store.keys.put(record)
  })
  try {
    await publishKey(open, record)
  } catch (error) {
    open.store.transaction(() => {
      open.device.destroyKey(key.id, 1)
      open.store.keys.remove(key.id)
    })
    if (!(error instanceof UnreachableError)) throw error
    throw new Explained(error, { more: 'Nothing was kept: the server has to know of each key, never what is in it.' })
  }
  return record
}

/**
 * A label as it is kept, which no other key here has.
 * @throws {CliError} `wrong-use`
 */
export function freeLabel(open: Pick<OpenDevice, 'store'>, typed: string, naming = '--label NAME'): string {
  const label = nameToKeep('key', typed, `give it another one: ${naming}`)
  if (open.store.keys.labelled(label).length === 0) return label
  throw new CliError('wrong-use', `you have a key "${label}" already`, {
    hint: `give this one another name: ${naming}`,
  })
}

/** A key here with the same octets: taken twice, or come from another device under another id. `null` if there is none. */
export function sameKey(
  { store, device }: OpenDevice,
  { type, octets }: Pick<NewKey, 'type' | 'octets'>,
): KeyRecord | null {
  for (const record of store.keys.list()) {
    const { id, generation, type: other } = record.key
    if (other !== type || device.findKey(id, generation) === null) continue
    const held = device.exportKey(id, generation)
    const same = held.length === octets.length && timingSafeEqual(held, octets)
    held.fill(0)
    if (same) return record
  }
  return null
}
