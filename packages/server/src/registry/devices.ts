import {
  type DeviceId,
  type EpochSeconds,
  KeyferryError,
  type Ref,
  TextShape,
  ThumbprintShape,
  type UserId,
} from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeviceRow } from '../store/rows.ts'
import { withdrawChanges } from '../transfers/withdraw.ts'
import { mayLookUpPeople } from './lookup-policy.ts'
import { DEVICE_CHANGED_SECONDS, tellDevices } from './tell-devices.ts'
import { decideAndCommit } from './unit-of-work.ts'
import { actsFor, notFound, refuseAgent } from './whose.ts'

/** `suspended` is the server's veto on an active device, `revoked` what its user's root said. */
export type DeviceStateWord = 'active' | 'suspended' | 'revoked'
export const DeviceStateWordShape: z.ZodType<DeviceStateWord> = z.enum(['active', 'suspended', 'revoked'])

/** `GET /v1/devices/{id}` (PROTOCOL 15). */
export interface DeviceView {
  id: DeviceId
  user: UserId
  /** ref of the newest statement. */
  statement: Ref
  state: DeviceStateWord
  /** For its own user only; absent also if it never proved itself. */
  lastProofAt?: EpochSeconds
}
export const DeviceViewShape: z.ZodType<DeviceView> = z.object({
  id: ThumbprintShape,
  user: ThumbprintShape,
  statement: ThumbprintShape,
  state: DeviceStateWordShape,
  lastProofAt: z.number().exactOptional(),
})

export interface Suspension {
  suspended: boolean
  reason: string
}
export const SuspensionShape: z.ZodType<Suspension> = z.strictObject({ suspended: z.boolean(), reason: TextShape })

export function deviceStateOf(device: DeviceRow): DeviceStateWord {
  return device.state === 'active' && device.suspended !== null ? 'suspended' : device.state
}

/** @throws {KeyferryError} `not-found`: unknown and forbidden have the same answer at the same cost. */
export async function getDevice(context: ServerContext, caller: Caller, id: DeviceId): Promise<DeviceView> {
  const device = await context.read.device(id)
  if (device === null || !(actsFor(caller, device.user) || mayLookUpPeople(caller))) throw notFound()
  return deviceView(caller, device)
}

/**
 * `POST /v1/devices/{id}/suspension`: a veto only (PROTOCOL 15). Open deliveries of a device that becomes suspended are withdrawn in
 * the same unit of work, and its user's devices are told. The same again changes nothing.
 * @throws {KeyferryError} `not-found`, `access-denied`; `device-suspended` if it would lift its own suspension; `state-conflict` if it
 *   is revoked
 */
export async function suspendDevice(
  context: ServerContext,
  caller: Caller,
  id: DeviceId,
  body: Suspension,
): Promise<DeviceView> {
  return decideAndCommit(context, async () => {
    const device = await context.read.device(id)
    if (device === null || !actsFor(caller, device.user)) throw notFound()
    refuseAgent(caller)
    if (caller.type === 'device' && caller.device.suspended !== null) {
      throw new KeyferryError('device-suspended', 'a suspended device suspends and lifts nothing')
    }
    if (device.state === 'revoked') {
      throw new KeyferryError('state-conflict', 'the device is revoked', { state: 'revoked' })
    }
    const now = context.clock.now()
    const isSame = (device.suspended !== null) === body.suspended
    if (isSame) return { changes: [], answer: () => deviceView(caller, device) }
    const suspended = body.suspended ? { reason: body.reason, at: now } : null
    const row: DeviceRow = { ...device, suspended, version: device.version + 1 }
    const [own, withdrawn] = await Promise.all([
      context.read.devicesOf(device.user),
      body.suspended ? withdrawChanges(context, { device: id }, 'device-suspended') : [],
    ])
    const told = own.filter((one) => one.state === 'active').map((one) => one.id)
    return {
      changes: [
        { kind: 'replace-device', row },
        ...withdrawn,
        ...tellDevices(context, told, 'device-changed', { expiresAt: now + DEVICE_CHANGED_SECONDS }),
      ],
      answer: () => deviceView(caller, row),
    }
  })
}

function deviceView(caller: Caller, device: DeviceRow): DeviceView {
  const isOwn = userOf(caller) === device.user
  return {
    id: device.id,
    user: device.user,
    statement: device.statementRef,
    state: deviceStateOf(device),
    ...(isOwn && device.lastProofAt !== null ? { lastProofAt: device.lastProofAt } : {}),
  }
}
