import {
  type DeviceId,
  type DeviceRole,
  deviceIn,
  KeyferryError,
  type Mechanism,
  type UserId,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { DeviceRow, KeyRow } from '../store/rows.ts'
import { certificatesOf } from './certificates.ts'
import { commonOptions } from './options.ts'
import type { TransferRequest } from './request-body.ts'

/** The source named, or those that hold the key by the catalogue; all active, not suspended, in the owner's set as `source`. */
export async function usableSources(
  context: ServerContext,
  key: KeyRow,
  named: DeviceId | undefined,
): Promise<readonly DeviceRow[]> {
  const devices = await Promise.all((named === undefined ? key.sources : [named]).map((id) => context.read.device(id)))
  const usable = await Promise.all(
    devices.map(async (device) => device?.user === key.owner && (await isInUse(context, device, 'source'))),
  )
  return devices.filter((device, i): device is DeviceRow => usable[i] === true && device !== null)
}

/** Users are expanded now to their active devices with role `target` (E1). */
export async function namedTargets(
  context: ServerContext,
  key: KeyRow,
  named: TransferRequest['targets'],
): Promise<readonly DeviceRow[]> {
  const found = new Map<DeviceId, DeviceRow>()
  for (const target of named) {
    if ('group' in target) throw new KeyferryError('not-found', 'no such group')
    const devices =
      'device' in target ? [await context.read.device(target.device)] : await context.read.devicesOf(target.user)
    for (const device of devices) {
      if (device === null || !(await isInUse(context, device, 'target'))) continue
      if (await isWhoseKeyItIs(context, key, device.user)) found.set(device.id, device)
    }
  }
  return [...found.values()]
}

async function isInUse(context: ServerContext, device: DeviceRow, role: DeviceRole): Promise<boolean> {
  if (device.state !== 'active' || device.suspended !== null) return false
  const user = await context.read.user(device.user)
  if (user === null) return false
  const entry = deviceIn((await context.statements.deviceSet(user.setRef)).payload, device.id)
  return entry !== null && entry !== 'revoked' && entry.roles.includes(role)
}

/** Keys of class `user` go to devices of the user whom they belong to (PROTOCOL 13): so he is called here, or by a CA. */
async function isWhoseKeyItIs(context: ServerContext, key: KeyRow, user: UserId): Promise<boolean> {
  if (key.username === null) return true
  if ((await context.read.user(user))?.username === key.username) return true
  const certificates = await certificatesOf(context, user)
  return certificates.some(({ payload }) => payload.username === key.username)
}

export interface ChosenParties {
  readonly source: DeviceRow
  readonly targets: readonly DeviceRow[]
}

/**
 * The first source that has a suite in common with a target, and all targets with which it has one. A source never gets its own key.
 * @throws {KeyferryError} `no-usable-target`, `no-common-suite`
 */
export async function chooseParties(
  context: ServerContext,
  key: KeyRow,
  sources: readonly DeviceRow[],
  named: readonly DeviceRow[],
  mechanism: Mechanism,
): Promise<ChosenParties> {
  if (mechanism !== 'public-key') throw new KeyferryError('no-common-suite', 'this mechanism is not offered here')
  if (sources.length === 0) throw new KeyferryError('no-common-suite', 'no source of this key can be used')
  if (sources.every((source) => named.every(({ id }) => id === source.id))) {
    throw new KeyferryError('no-usable-target', 'no active device of these targets can take the key')
  }
  for (const source of sources) {
    const others = named.filter(({ id }) => id !== source.id)
    const fits = await Promise.all(others.map((target) => haveSuite(context, key, source, target)))
    const targets = others.filter((_, i) => fits[i])
    if (targets.length > 0) return { source, targets }
  }
  throw new KeyferryError('no-common-suite', 'source and target have no suite in common')
}

async function haveSuite(context: ServerContext, key: KeyRow, source: DeviceRow, target: DeviceRow): Promise<boolean> {
  const [from, to] = await Promise.all([
    context.statements.device(source.statementRef),
    context.statements.device(target.statementRef),
  ])
  const facts = { suites: context.suites, owner: key.owner, now: context.clock.now() }
  return commonOptions(from.payload, to.payload, facts).length > 0
}
