import {
  type DeviceId,
  type DeviceKind,
  type DevicePayload,
  deviceStatement,
  type EpochSeconds,
  namedThumbprint,
  readStatement,
  type Statement,
  thumbprint,
  type UserId,
} from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeviceRow, EnrolmentRow } from '../store/rows.ts'
import { asCheckOf } from '../transfers/check-error.ts'
import { stateAt } from './enrolment-state.ts'
import { claimChanges, rolesOf } from './key-roles.ts'
import { requireInTime, STATEMENT_TIMES } from './lifetime.ts'
import type { Joining } from './set-members.ts'
import { deviceStatementChange, leafChange } from './statement-row.ts'

/**
 * The enrolment with which a device of this user proved its keys (PROTOCOL 3, step 5), if it still lives.
 * @throws {KeyferryError} `statement-invalid` with check `statement-expired` if the statement has run out meanwhile.
 */
export async function provenEnrolment(
  context: ServerContext,
  user: UserId,
  device: DeviceId,
): Promise<{ readonly enrolment: EnrolmentRow; readonly statement: Statement<DevicePayload> } | null> {
  const now = context.clock.now()
  const all = await context.read.enrolmentsOf(device)
  const enrolment = all.find((one) => one.user === user && stateAt(one, now) === 'proven')
  if (enrolment === undefined || enrolment.claim === null) return null
  const statement = readStatement(deviceStatement, enrolment.claim.statement)
  await asCheckOf('statement-invalid', async () => requireInTime(statement.payload, now, STATEMENT_TIMES))
  return { enrolment, statement }
}

/** Step 6, in the unit of work of the set: N's statement, its keys, its leaf, `approved`. */
export function approvedChanges(context: ServerContext, joining: Joining): readonly Change[] {
  const { enrolment, statement, entry } = joining
  return [
    { kind: 'replace-enrolment', row: { ...enrolment, state: 'approved', version: enrolment.version + 1 } },
    ...enrolledChanges(context.origin, statement, entry.kind, context.clock.now()),
  ]
}

/** A device that counts from now on. `kind` is the one that its user's root confirmed, not its own word. */
export function enrolledChanges(
  origin: string,
  statement: Statement<DevicePayload>,
  kind: DeviceKind,
  now: EpochSeconds,
): readonly Change[] {
  const { payload } = statement
  const row: DeviceRow = {
    id: thumbprint(payload.jwk),
    user: payload.user,
    state: 'active',
    kind,
    statementRef: statement.ref,
    statementSeq: payload.seq,
    accessKey: payload.access === undefined ? null : namedThumbprint(payload.access),
    suspended: null,
    lastProofAt: null,
    createdAt: now,
    version: 1,
  }
  return [
    { kind: 'insert-device', row },
    deviceStatementChange(statement, now),
    ...claimChanges(rolesOf(payload)),
    leafChange(origin, { typ: 'kf-device+jwt', ref: statement.ref, user: payload.user }),
  ]
}
