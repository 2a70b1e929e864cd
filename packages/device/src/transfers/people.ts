import {
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  fromUtf8,
  type Ref,
  readStatement,
  type SetDevice,
  type Statement,
  type UserId,
} from '@keyferry/protocol'
import type { OpenDevice } from '../open-device.ts'

/** What the server says of a user: a proposal, until pins, certificates and sets are checked (PROTOCOL 9.1). */
export interface UserShown {
  readonly user: UserId
  readonly username?: string
  readonly set: Ref
  readonly userStatement?: Ref
  readonly devices: readonly { readonly id: DevicePayload['user']; readonly statement: Ref }[]
}

export async function findUser(open: Pick<OpenDevice, 'client'>, user: UserId): Promise<UserShown> {
  return (await open.client.call({ method: 'GET', path: `/v1/users/${user}` })).json<UserShown>()
}

export async function findUserNamed(open: OpenDevice, name: string): Promise<UserShown> {
  return (
    await open.client.call({ method: 'GET', path: `/v1/users?name=${encodeURIComponent(name)}` })
  ).json<UserShown>()
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
