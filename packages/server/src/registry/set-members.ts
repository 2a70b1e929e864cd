import {
  type DevicePayload,
  type DeviceSetPayload,
  KeyferryError,
  type SetDevice,
  type Statement,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeviceRow, EnrolmentRow } from '../store/rows.ts'
import { approvedChanges, provenEnrolment } from './approve-enrolment.ts'
import { DEVICE_CHANGED_SECONDS, tellDevices } from './tell-devices.ts'

/** What a set does to the devices of its user. */
export interface Membership {
  readonly staying: readonly { readonly device: DeviceRow; readonly entry: SetDevice }[]
  readonly joining: readonly Joining[]
  /** In the set before, not in this one: a device in neither list counts as revoked (PROTOCOL 2.2). */
  readonly leaving: readonly DeviceRow[]
}

export interface Joining {
  readonly entry: SetDevice
  readonly enrolment: EnrolmentRow
  readonly statement: Statement<DevicePayload>
}

/**
 * @throws {KeyferryError} `statement-invalid` with check `set-invalid` if the set adds a device without a `proven` enrolment: a
 *   revoked one comes back with new keys only (PROTOCOL 3).
 */
export async function membershipOf(context: ServerContext, set: DeviceSetPayload): Promise<Membership> {
  const active = (await context.read.devicesOf(set.user)).filter((device) => device.state === 'active')
  const byId = new Map<string, DeviceRow>(active.map((device) => [device.id, device]))
  const staying: { device: DeviceRow; entry: SetDevice }[] = []
  const joining: Joining[] = []
  for (const entry of set.devices) {
    const device = byId.get(entry.id)
    if (device !== undefined) staying.push({ device, entry })
    else joining.push(await joins(context, set, entry))
    byId.delete(entry.id)
  }
  return { staying, joining, leaving: [...byId.values()] }
}

async function joins(context: ServerContext, set: DeviceSetPayload, entry: SetDevice): Promise<Joining> {
  const proven = await provenEnrolment(context, set.user, entry.id)
  if (proven !== null) return { entry, ...proven }
  const details = { check: 'set-invalid' }
  throw new KeyferryError('statement-invalid', 'the set adds a device that has not proven its keys', details)
}

export function membershipChanges(context: ServerContext, members: Membership): readonly Change[] {
  const changes: Change[] = []
  for (const { device, entry } of members.staying) {
    if (device.kind === entry.kind) continue
    changes.push({ kind: 'replace-device', row: { ...device, kind: entry.kind, version: device.version + 1 } })
  }
  for (const device of members.leaving) {
    changes.push({ kind: 'replace-device', row: { ...device, state: 'revoked', version: device.version + 1 } })
  }
  for (const joining of members.joining) changes.push(...approvedChanges(context, joining))
  if (members.joining.length + members.leaving.length === 0) return changes
  const told = [...members.staying.map(({ device }) => device.id), ...members.joining.map(({ entry }) => entry.id)]
  const expiresAt = context.clock.now() + DEVICE_CHANGED_SECONDS
  return [...changes, ...tellDevices(context, told, 'device-changed', { expiresAt })]
}
