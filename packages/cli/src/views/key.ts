import {
  exportsKeys,
  type KeyRecord,
  type OpenDevice,
  publicHalf,
  type SshPublicKey,
  sshFingerprint,
} from '@keyferry/device'
import { shortId } from '../console/ids.ts'
import { typed } from '../console/quoted.ts'
import { foreignOwner } from '../device/key-owner.ts'
import { shortPath } from '../folders.ts'

/** What people and programs are told of a key: never what is in it. */
export interface KeyShown {
  readonly id: string
  readonly label: string
  readonly type: string
  readonly class: string
  readonly generation: number
  /** Another user, by name or fingerprint; absent for keys of one's own. */
  readonly owner?: string
  readonly username?: string
  readonly container?: string
  /** Of keys that SSH knows: as `ssh-keygen -l` shows it. */
  readonly fingerprint?: string
  /** `ssh-ed25519` and so on. */
  readonly algorithm?: string
  readonly auto: boolean
  readonly browsers: boolean
  readonly held: boolean
  readonly file?: string
  readonly createdAt: number
}

export function keyShown(open: Pick<OpenDevice, 'device' | 'store'>, record: KeyRecord): KeyShown {
  const { id, type, generation } = record.key
  const owner = foreignOwner(open, record)
  const half = type === 'private' ? publicHalfOf(open, record) : null
  return {
    id,
    label: record.label,
    type,
    class: record.key.class,
    generation,
    ...(owner === null ? {} : { owner }),
    ...(record.username === null ? {} : { username: record.username }),
    ...(record.container === null ? {} : { container: record.container }),
    ...(half === null ? {} : { fingerprint: sshFingerprint(half), algorithm: half.algorithm }),
    auto: record.auto,
    browsers: record.browsers,
    held: open.device.findKey(id, generation) !== null,
    ...(record.file === null ? {} : { file: record.file }),
    createdAt: record.createdAt,
  }
}

/** The octets are in memory only while their public half is read. */
function publicHalfOf({ device }: Pick<OpenDevice, 'device'>, { key }: KeyRecord): SshPublicKey | null {
  if (!exportsKeys(device) || device.findKey(key.id, key.generation) === null) return null
  const octets = device.exportKey(key.id, key.generation)
  try {
    return publicHalf(octets)
  } finally {
    octets.fill(0)
  }
}

const KINDS: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'Ed25519',
  'ssh-rsa': 'RSA',
  'ecdsa-sha2-nistp256': 'P-256',
  'ecdsa-sha2-nistp384': 'P-384',
  'ecdsa-sha2-nistp521': 'P-521',
}

export function kindOfKey({ type, algorithm }: KeyShown): string {
  return algorithm === undefined ? type : `${type} (${KINDS[algorithm] ?? algorithm})`
}

function whereTo({ auto, class: of }: KeyShown): string {
  const goes = of === 'user' ? 'own devices' : 'own devices and people you name'
  if (!auto) return `${goes}, after a question`
  return of === 'user' ? `${goes}, unasked` : `${goes} after a question, to own devices unasked`
}

/** The lines of `key show`, and of `key add`. */
export function keyLines(key: KeyShown, home: string): readonly string[] {
  const whose = key.class === 'user' ? `class user (${key.username})` : `class ${key.class}`
  return [
    `${key.label}   ${kindOfKey(key)}   ${whose}   generation ${key.generation}   ${shortId(key.id)}`,
    ...(key.fingerprint === undefined ? [] : [`  fingerprint  ${key.fingerprint}   as \`ssh-keygen -l\` shows it`]),
    key.owner === undefined
      ? `  may go to    ${whereTo(key)}   change: ${typed('keyferry key edit', key.label, key.auto ? '--no-auto' : '--auto')}`
      : `  belongs to   ${key.owner}: only devices of that user give it on`,
    ...(key.file === undefined ? [] : [`  file         ${shortPath(key.file, home)}`]),
    ...(key.held ? [] : ['  not here     this device only knows of it']),
  ]
}
