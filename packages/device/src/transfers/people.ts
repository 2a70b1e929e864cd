import {
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  type EpochSeconds,
  EpochSecondsShape,
  fromUtf8,
  type Ref,
  readStatement,
  type SetDevice,
  type Statement,
  ThumbprintShape,
  type UserId,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { OpenDevice } from '../open-device.ts'

/** What the server says of a user: a proposal, until pins, certificates and sets are checked (PROTOCOL 9.1). */
export interface UserShown {
  readonly user: UserId
  readonly username?: string
  readonly set: Ref
  readonly userStatement?: Ref
  readonly devices: readonly { readonly id: DevicePayload['user']; readonly statement: Ref }[]
}

const UserShownShape: z.ZodType<UserShown> = z.looseObject({
  user: ThumbprintShape,
  username: z.string().exactOptional(),
  set: ThumbprintShape,
  userStatement: ThumbprintShape.exactOptional(),
  devices: z.array(z.looseObject({ id: ThumbprintShape, statement: ThumbprintShape })),
})

export async function findUser(open: Pick<OpenDevice, 'client'>, user: UserId): Promise<UserShown> {
  return (await open.client.call({ method: 'GET', path: `/v1/users/${user}` })).json(UserShownShape)
}

export async function findUserNamed(open: OpenDevice, name: string): Promise<UserShown> {
  return (await open.client.call({ method: 'GET', path: `/v1/users?name=${encodeURIComponent(name)}` })).json(
    UserShownShape,
  )
}

/** The device set that the server shows of a user, read strictly and not verified: good for choosing a target by. */
export async function fetchSet(open: Pick<OpenDevice, 'client'>, ref: Ref): Promise<Statement<DeviceSetPayload>> {
  const answer = await open.client.call({ method: 'GET', path: `/v1/statements/${ref}` })
  return readStatement(deviceSetStatement, fromUtf8(answer.content))
}

/** Devices of a user that can receive keys. */
export async function targetsOf(open: OpenDevice, user: UserId): Promise<readonly SetDevice[]> {
  const shown = await findUser(open, user)
  const { devices } = (await fetchSet(open, shown.set)).payload
  return devices.filter((device) => device.roles.includes('target') && device.id !== open.device.signer.id)
}

/** What the server says of a device, to whom it may. */
export interface DeviceShown {
  readonly user: UserId
  readonly state: 'active' | 'suspended' | 'revoked'
  readonly statement: Ref
  readonly lastProofAt?: EpochSeconds
}
const DeviceShownShape: z.ZodType<DeviceShown> = z.looseObject({
  user: ThumbprintShape,
  state: z.enum(['active', 'suspended', 'revoked']),
  statement: ThumbprintShape,
  lastProofAt: EpochSecondsShape.exactOptional(),
})

export async function findDevice(open: Pick<OpenDevice, 'client'>, device: string): Promise<DeviceShown> {
  return (await open.client.call({ method: 'GET', path: `/v1/devices/${device}` })).json(DeviceShownShape)
}

const KeyShownShape = z.looseObject({ label: z.string().exactOptional() })

/** What the owner of a key calls it in the catalogue, if he does. */
export async function labelOfKey(open: Pick<OpenDevice, 'client'>, key: string): Promise<string | null> {
  const shown = (await open.client.call({ method: 'GET', path: `/v1/keys/${key}` })).json(KeyShownShape)
  return shown.label ?? null
}
