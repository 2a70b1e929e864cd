import {
  type DeviceId,
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  deviceStatement,
  type EpochSeconds,
  type GrantPayload,
  grantStatement,
  type KeyId,
  makeKeyId,
  namedThumbprint,
  type OrderPayload,
  orderStatement,
  type ReceiptPayload,
  type Ref,
  receiptStatement,
  type SetDevice,
  type Signer,
  type Statement,
  signStatement,
  type Trust,
  type UserId,
  type UserPayload,
  userStatement,
} from '@keyferry/protocol'
import { type ExampleSigner, type ExampleTransportKey, exampleSigner, exampleTransportKey } from './example-keys.ts'
import { NOW } from './fake-clock.ts'

export const ORIGIN = 'https://keys.example'
export const DAY_SECONDS = 86_400

/** Somebody with a root key. */
export interface TestUser {
  readonly id: UserId
  readonly username: string
  readonly origin: string
  readonly root: ExampleSigner
}

/** A device with all its private keys, and its first statement. */
export interface TestDevice {
  readonly id: DeviceId
  readonly name: string
  readonly user: TestUser
  readonly signer: ExampleSigner
  readonly access: ExampleSigner | null
  /** Its one HPKE-7 key. */
  readonly transport: ExampleTransportKey
  readonly statement: Statement<DevicePayload>
}

/** A user called `username`, whose root key is the example key `<username> root`. */
export function aUser(username = 'luis', origin: string = ORIGIN): TestUser {
  const root = exampleSigner(`${username} root`)
  return { id: root.id, username, origin, root }
}

export interface DeviceOptions {
  readonly name?: string
  /** With a host agent: an access key of its own. */
  readonly withAccess?: boolean
  readonly at?: EpochSeconds
  /** Members of the statement that differ from the usual ones. */
  readonly statement?: Partial<DevicePayload>
}

/** A software device of this user that can wrap and take HPKE-7; its keys are the example keys `<username> <name>`, `... enc`, `... access`. */
export async function aDevice(user: TestUser, options: DeviceOptions = {}): Promise<TestDevice> {
  const name = options.name ?? 'phone'
  const label = `${user.username} ${name}`
  const signer = exampleSigner(label)
  const access = options.withAccess === true ? exampleSigner(`${label} access`) : null
  const transport = exampleTransportKey(`${label} enc`)
  const parts = { id: signer.id, name, user, signer, access, transport }
  return { ...parts, statement: await aDeviceStatement(parts, { ...options.statement }, options.at) }
}

/** A statement of the device, signed by it: `seq` 1 and 90 days unless said otherwise. */
export async function aDeviceStatement(
  device: Omit<TestDevice, 'statement'>,
  members: Partial<DevicePayload> = {},
  at: EpochSeconds = NOW,
  signer: Signer = device.signer,
): Promise<Statement<DevicePayload>> {
  return signStatement(deviceStatement, signer, {
    v: 1,
    origin: device.user.origin,
    user: device.user.id,
    jwk: device.signer.jwk,
    seq: 1,
    iat: at,
    exp: at + 90 * DAY_SECONDS,
    kind: 'software',
    enc: [{ jwk: device.transport.jwk, alg: 'HPKE-7', nbf: at, exp: at + 90 * DAY_SECONDS, exposure: 'software' }],
    wrap: [{ alg: 'HPKE-7', exposure: 'software' }],
    ...(device.access === null ? {} : { access: device.access.jwk }),
    ...members,
  })
}

export interface SetOptions {
  readonly at?: EpochSeconds
  /** The set before this one; absent = the first. */
  readonly after?: Statement<DeviceSetPayload>
  readonly revoked?: readonly (TestDevice | Ref)[]
  readonly trust?: Trust
  /** Signs instead of the first root: give it after a hand-over. */
  readonly root?: ExampleSigner
  /** All hand-over sets of this user, oldest first. */
  readonly handovers?: readonly Statement<DeviceSetPayload>[]
  /** Members that differ from the usual ones. */
  readonly members?: Partial<DeviceSetPayload>
}

/** An entry of a set for this device, with the roles `source`, `target`, `order`. */
export function inSet(device: TestDevice, members: Partial<SetDevice> = {}): SetDevice {
  return {
    id: device.id,
    jwk: device.signer.jwk,
    kind: device.statement.payload.kind,
    roles: ['source', 'target', 'order'],
    ...members,
  }
}

/** A set of these devices, signed by the user's root: seven days. */
export async function aDeviceSet(
  user: TestUser,
  devices: readonly (TestDevice | SetDevice)[],
  options: SetOptions = {},
): Promise<Statement<DeviceSetPayload>> {
  const at = options.at ?? NOW
  const root = options.root ?? user.root
  return signStatement(deviceSetStatement, root, {
    v: 1,
    origin: user.origin,
    user: user.id,
    root: root.jwk,
    ...after(options.after),
    iat: at,
    exp: at + 7 * DAY_SECONDS,
    devices: devices.map((device) => ('signer' in device ? inSet(device) : device)),
    revoked: (options.revoked ?? []).map((one) => ({ id: typeof one === 'string' ? one : one.id, at })),
    ...(options.trust === undefined ? {} : { trust: options.trust }),
    ...(options.handovers === undefined ? {} : { handovers: options.handovers.map((one) => one.text) }),
    ...options.members,
  })
}

/** A hand-over set from `from` (the user's first root by default) to the root `to`; put the successor right after it. */
export async function aHandoverSet(
  user: TestUser,
  options: {
    readonly after: Statement<DeviceSetPayload>
    readonly to: ExampleSigner
    readonly from?: ExampleSigner
    readonly at?: EpochSeconds
    readonly members?: Partial<DeviceSetPayload>
  },
): Promise<Statement<DeviceSetPayload>> {
  return aDeviceSet(user, [], {
    after: options.after,
    ...(options.at === undefined ? {} : { at: options.at }),
    ...(options.from === undefined ? {} : { root: options.from }),
    members: { next: options.to.jwk, ...options.members },
  })
}

function after(before: Statement<DeviceSetPayload> | undefined): { seq: number; prev?: Ref } {
  return before === undefined ? { seq: 1 } : { seq: before.payload.seq + 1, prev: before.ref }
}

/** A CA calls this user by his name: 90 days. */
export async function aUserStatement(
  user: TestUser,
  ca: ExampleSigner,
  members: Partial<UserPayload> = {},
  at: EpochSeconds = NOW,
): Promise<Statement<UserPayload>> {
  return signStatement(userStatement, ca, {
    v: 1,
    origin: user.origin,
    ca: ca.jwk,
    username: user.username,
    user: user.id,
    iat: at,
    exp: at + 90 * DAY_SECONDS,
    ...members,
  })
}

/** The owner lets `grantee` order container keys for his own devices: 30 days. */
export async function aGrant(
  owner: TestUser,
  grantee: Pick<Signer, 'jwk'>,
  members: Partial<GrantPayload> = {},
  at: EpochSeconds = NOW,
  root: ExampleSigner = owner.root,
): Promise<Statement<GrantPayload>> {
  return signStatement(grantStatement, root, {
    v: 1,
    origin: owner.origin,
    user: owner.id,
    grantee: { ...grantee.jwk },
    keys: [],
    classes: ['container'],
    to: { own: true, users: [], cas: [] },
    algs: ['HPKE-7'],
    minExposure: { source: 'software', target: 'software' },
    perDay: 100,
    iat: at,
    exp: at + 30 * DAY_SECONDS,
    ...members,
  })
}

/** An order of `signer`; what a delivery decides has to be given. */
export async function anOrder(
  signer: Signer,
  delivery: Pick<OrderPayload, 'tr' | 'dl' | 'attempt' | 'key' | 'src' | 'dst' | 'dstUser'>,
  members: Partial<OrderPayload> = {},
  at: EpochSeconds = NOW,
): Promise<Statement<OrderPayload>> {
  return signStatement(orderStatement, signer, {
    v: 1,
    iss: signer.id,
    origin: ORIGIN,
    ...delivery,
    mechanism: 'public-key',
    alg: 'HPKE-7',
    minExposure: { source: 'software', target: 'software' },
    redelivery: false,
    iat: at,
    exp: at + 7 * DAY_SECONDS,
    ...members,
  })
}

/** The receipt `installed` of a target, or whatever `members` say. */
export async function aReceipt(
  target: TestDevice,
  facts: Pick<ReceiptPayload, 'tr' | 'dl' | 'attempt' | 'envelope'> & Partial<ReceiptPayload>,
  at: EpochSeconds = NOW,
): Promise<Statement<ReceiptPayload>> {
  const installed = facts.outcome === undefined || facts.outcome === 'installed'
  return signStatement(receiptStatement, target.signer, {
    v: 1,
    origin: target.user.origin,
    outcome: 'installed',
    ...(installed ? { exposure: 'software' as const } : {}),
    iat: at,
    ...facts,
  })
}

/** The key id of this owner whose last 16 octets are all `n`. */
export function aKeyId(owner: TestUser, n = 1): KeyId {
  return makeKeyId(owner.id, new Uint8Array(16).fill(n))
}

/** The thumbprints of all keys that a device's statement names. */
export function keysOf(device: TestDevice): readonly string[] {
  const { payload } = device.statement
  const access = payload.access === undefined ? [] : [namedThumbprint(payload.access)]
  return [device.id, ...access, ...payload.enc.map((offer) => namedThumbprint(offer.jwk))]
}
