import type { OpenDevice, UserShown } from '@keyferry/device'
import { type DeviceId, KeyferryError, type SetDevice, type UserId } from '@keyferry/protocol'
import { type Called, choose, isCalled, nearest } from '../console/choose.ts'
import { CliError } from '../console/cli-error.ts'
import { fingerprint } from '../console/ids.ts'
import { quoted } from '../console/quoted.ts'
import { deviceNames } from './device-names.ts'

/** A target as its human named it. */
export type NamedTarget =
  | { readonly kind: 'device'; readonly device: DeviceId; readonly shown: string }
  | { readonly kind: 'user'; readonly user: UserId; readonly username: string; readonly devices: readonly SetDevice[] }

/** Own devices that can receive, with their names here. */
export async function ownTargets(open: OpenDevice): Promise<readonly Called<SetDevice>[]> {
  const { targetsOf } = await import('@keyferry/device')
  const names = deviceNames(open)
  const devices = await targetsOf(open, open.store.seen.state().user)
  return devices.map((device) => ({ thing: device, id: device.id, name: names.get(device.id) ?? '' }))
}

/**
 * Who or what `--to` names: an own device, somebody pinned, somebody whose name an organisation CA of this user may certify.
 * @throws {CliError} `name-unknown`, `name-ambiguous`
 * @throws {KeyferryError} `target-untrusted` where nothing can prove who that is: said now rather than after asking the server
 */
export async function nameTarget(open: OpenDevice, typed: string): Promise<NamedTarget> {
  const own = await ownTargets(open)
  const pin = open.store.pins.named(typed)
  if (pin !== null) {
    // Whoever gives a person the name of a device here must not draw keys away from it, nor to it.
    if (own.some(({ name }) => name === typed)) throw ambiguousName(typed, pin.user)
    return userTarget(open, pin.user, pin.username)
  }
  if (own.some((each) => isCalled(each, typed))) {
    const device = choose('device', typed, own)
    return { kind: 'device', device: device.id, shown: typed }
  }
  if (isCalled(thisDevice(open), typed)) {
    throw new CliError('wrong-use', `"${typed}" is this device: the key is here already`, {
      hint: 'to use it here: keyferry key save KEY --to FILE',
    })
  }
  if (typed === open.store.seen.state().username) throw oneself(typed)
  const shown = await findByName(open, typed)
  if (shown === null) throw unknownTarget(open, typed, own)
  const { trust } = open.store.seen.state()
  if (trust.cas.length > 0 && shown.userStatement !== undefined) return userTarget(open, shown.user, typed)
  throw untrusted(typed, shown.user)
}

function ambiguousName(typed: string, user: UserId): CliError {
  return new CliError('name-ambiguous', `"${typed}" is a device of yours and somebody whom you pinned`, {
    more: `The person is ${fingerprint(user, 16)} …`,
    hint: `give your device another name first: keyferry device name ${quoted(typed)} NAME`,
  })
}

/** All devices of one's own at once are not what somebody means who has the key on one of them. */
function oneself(typed: string): CliError {
  return new CliError('wrong-use', `"${typed}" is you: a key goes to one of your devices`, {
    hint: 'they are called as here: keyferry device list',
  })
}

async function userTarget(open: OpenDevice, user: UserId, username: string): Promise<NamedTarget> {
  const { targetsOf } = await import('@keyferry/device')
  try {
    return { kind: 'user', user, username, devices: await targetsOf(open, user) }
  } catch (error) {
    if (!(error instanceof KeyferryError && error.code === 'not-found')) throw error
    throw new CliError('name-unknown', `the server knows nobody with the root that you pinned as "${username}"`, {
      hint: `compare with what \`keyferry user pin --show\` prints there; yours: keyferry user pin`,
      cause: error,
    })
  }
}

function thisDevice({ store, device }: OpenDevice): Pick<Called<unknown>, 'id' | 'name'> {
  return { id: device.signer.id, name: store.identity.find()?.label ?? '' }
}

async function findByName(open: OpenDevice, name: string): Promise<UserShown | null> {
  const { findUserNamed } = await import('@keyferry/device')
  try {
    return await findUserNamed(open, name)
  } catch (error) {
    if (error instanceof KeyferryError && (error.code === 'not-found' || error.code === 'malformed')) return null
    throw error
  }
}

function unknownTarget(open: OpenDevice, typed: string, own: readonly Called<SetDevice>[]): CliError {
  const names = [
    ...own.map(({ name }) => name).filter((name) => name !== ''),
    ...open.store.pins.list().map((pin) => pin.username),
  ]
  const near = nearest(typed, names)
  return new CliError('name-unknown', `no device of yours and nobody whom you pinned is called "${typed}"`, {
    hint:
      near === null ? 'see your devices: keyferry device list; people: keyferry user pin' : `did you mean "${near}"?`,
  })
}

/** Carries what the caller can show: the root that the server names. */
export class Untrusted extends KeyferryError {
  readonly username: string
  readonly root: string
  constructor(username: string, root: string) {
    super('target-untrusted', `nothing proves that this "${username}" is the one you mean`)
    this.username = username
    this.root = root
  }
}

function untrusted(username: string, root: UserId): Untrusted {
  return new Untrusted(username, root)
}

export function untrustedLines({ username, root }: Untrusted): { more: string; hint: string } {
  return {
    more: `The server names a root ${fingerprint(root, 16)} …, which you have neither pinned nor had certified.`,
    hint: `ask ${username} for \`keyferry user pin --show\`, or add your organisation’s CA: keyferry trust ca FILE`,
  }
}
