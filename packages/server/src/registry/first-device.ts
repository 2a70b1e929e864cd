import {
  checkDeviceSet,
  type DevicePayload,
  type DeviceSetPayload,
  deviceSetStatement,
  KeyferryError,
  readStatement,
  type Statement,
  thumbprint,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { EnrolmentRow, KeyRoleRow, UserRow } from '../store/rows.ts'
import { asCheckOf } from '../transfers/check-error.ts'
import { enrolledChanges } from './approve-enrolment.ts'
import { claimChanges, requireNewKeys, rolesOf } from './key-roles.ts'
import { requireInTime, SET_TIMES } from './lifetime.ts'
import { requireReachableQuorum } from './reachable-quorum.ts'
import { deviceSetChange, leafChange } from './statement-row.ts'
import { withdrawals } from './withdrawals.ts'

/**
 * The first set of a user, which comes with the claim of his first device: `seq` 1, signed by the root whose thumbprint is the user id.
 * @throws {KeyferryError} `statement-invalid` with `check`; `set-rollback`
 */
export async function readFirstSet(context: ServerContext, text: string): Promise<Statement<DeviceSetPayload>> {
  const set = await asCheckOf('statement-invalid', async () => readStatement(deviceSetStatement, text))
  const { payload } = set
  if (payload.seq !== 1) throw new KeyferryError('set-rollback', 'the seq of a first set is 1')
  await asCheckOf('statement-invalid', async () => {
    await checkDeviceSet(set, { origin: context.origin, user: payload.user })
    if (payload.prev !== undefined || payload.handovers !== undefined || thumbprint(payload.root) !== payload.user) {
      throw new KeyferryError('set-invalid', 'a first set has nothing before it')
    }
    requireReachableQuorum(payload)
    requireInTime(payload, context.clock.now(), SET_TIMES)
  })
  return set
}

/**
 * User, device, both statements with their keys and leaves, and the enrolment, `approved`: one unit of work (PROTOCOL 3).
 * @throws {KeyferryError} `statement-invalid` with `check`; `state-conflict` if the name was taken after the invitation
 */
export async function firstDeviceChanges(
  context: ServerContext,
  claimed: EnrolmentRow,
  set: Statement<DeviceSetPayload>,
  statement: Statement<DevicePayload>,
): Promise<readonly Change[]> {
  const user = set.payload.user
  const now = context.clock.now()
  const [entry, ...others] = set.payload.devices
  if (entry === undefined || entry.id !== thumbprint(statement.payload.jwk) || others.length > 0) {
    const details = { check: 'set-invalid' }
    throw new KeyferryError('statement-invalid', 'a first set lists the first device and no other', details)
  }
  const root: KeyRoleRow = { thumbprint: user, role: 'root', holder: user }
  await requireNewKeys(context, [root, ...rolesOf(statement.payload)])
  const row: UserRow = {
    id: user,
    username: claimed.username,
    setRef: set.ref,
    setSeq: 1,
    handoverRef: null,
    admin: false,
    createdAt: now,
    version: 1,
  }
  return [
    ...(await replacedChanges(context, claimed)),
    { kind: 'insert-user', row },
    ...claimChanges([root]),
    deviceSetChange(set, now),
    leafChange(context.origin, { typ: 'kf-device-set+jwt', ref: set.ref, user: user }),
    ...enrolledChanges(context.origin, statement, entry.kind, now),
    { kind: 'replace-enrolment', row: { ...claimed, state: 'approved', set: set.ref } },
  ]
}

/**
 * Who had the name before, if the invitation meant him: an invitation to a name that is taken is only made with `replace`, so a user
 * who is older than the invitation was meant and one who is younger was not. His devices are revoked, what is open is withdrawn,
 * and he is called by his root id from now on.
 */
async function replacedChanges(context: ServerContext, claimed: EnrolmentRow): Promise<readonly Change[]> {
  const old = await context.read.userByName(claimed.username)
  if (old === null) return []
  if (old.createdAt >= claimed.createdAt) {
    throw new KeyferryError('state-conflict', 'somebody took this name first', { state: 'name-taken' })
  }
  const devices = await context.read.devicesOf(old.id)
  return [
    { kind: 'replace-user', row: { ...old, username: old.id, version: old.version + 1 } },
    ...devices
      .filter((device) => device.state === 'active')
      .map(
        (device): Change => ({
          kind: 'replace-device',
          row: { ...device, state: 'revoked', version: device.version + 1 },
        }),
      ),
    ...(await withdrawals(context, [{ what: { user: old.id }, reason: 'user-revoked' }])),
  ]
}
