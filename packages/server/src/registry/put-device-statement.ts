import {
  checkDeviceStatement,
  type DevicePayload,
  deviceStatement,
  KeyferryError,
  namedThumbprint,
  readStatement,
  type Statement,
  thumbprint,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeviceRow } from '../store/rows.ts'
import { asCheckOf } from '../transfers/check-error.ts'
import { claimChanges, rolesOf } from './key-roles.ts'
import { requireInTime, STATEMENT_TIMES } from './lifetime.ts'
import { deviceStatementChange, filed, knownStatement, leafChange, type StatementPutView } from './statement-row.ts'
import { type Decided, decideAndCommit, type Put } from './unit-of-work.ts'
import { actsFor, keyidOf, notFound } from './whose.ts'

/**
 * A newer statement of a device that is enrolled: `seq` = last + 1 exactly (PROTOCOL 2.1, 15).
 * @throws {KeyferryError} `not-found`, `device-revoked`, `statement-rollback`, `statement-invalid` with `check`
 */
export async function putDeviceStatement(
  context: ServerContext,
  caller: Caller,
  text: string,
): Promise<Put<StatementPutView>> {
  const statement = await asCheckOf('statement-invalid', async () => readStatement(deviceStatement, text))
  return decideAndCommit(context, () => decide(context, caller, statement))
}

async function decide(
  context: ServerContext,
  caller: Caller,
  statement: Statement<DevicePayload>,
): Promise<Decided<Put<StatementPutView>>> {
  const { payload } = statement
  const device = await context.read.device(thumbprint(payload.jwk))
  if (device === null || device.user !== payload.user || !mayPut(caller, device, payload)) throw notFound()
  const known = await knownStatement(context, statement.ref)
  if (known !== null) return known
  if (device.state === 'revoked') throw new KeyferryError('device-revoked', 'the device is in no set of its user')
  if (payload.seq !== device.statementSeq + 1) {
    throw new KeyferryError('statement-rollback', 'the seq of a statement is that of the last one and 1')
  }
  await asCheckOf('statement-invalid', async () => {
    await checkDeviceStatement(statement, { origin: context.origin, user: device.user })
    requireInTime(payload, context.clock.now(), STATEMENT_TIMES)
    requireOwnHand(caller, device, payload)
  })
  return filed(statement.ref, changesFor(context, device, statement))
}

/**
 * Any signer of the same user. The agent's key puts only what its own device signed; an agent's key that no statement names yet
 * puts the one that brings it.
 */
function mayPut(caller: Caller, device: DeviceRow, payload: DevicePayload): boolean {
  if (caller.type === 'newcomer') return accessOf(payload) === caller.keyid
  const isAgent = caller.type === 'device' && caller.method === 'access-signature'
  return actsFor(caller, device.user) && (!isAgent || caller.device.id === device.id)
}

/** "A statement that brings a new `access` key is put under an HTTP signature by that key": else one could name another's. */
function requireOwnHand(caller: Caller, device: DeviceRow, payload: DevicePayload): void {
  const access = accessOf(payload)
  if (access !== null && access !== device.accessKey && access !== keyidOf(caller)) {
    throw new KeyferryError('signature-invalid', 'the request is not signed by the new access key')
  }
}

function accessOf(payload: DevicePayload): DeviceRow['accessKey'] {
  return payload.access === undefined ? null : namedThumbprint(payload.access)
}

function changesFor(context: ServerContext, device: DeviceRow, statement: Statement<DevicePayload>): readonly Change[] {
  const row: DeviceRow = {
    ...device,
    statementRef: statement.ref,
    statementSeq: statement.payload.seq,
    accessKey: accessOf(statement.payload),
    version: device.version + 1,
  }
  return [
    { kind: 'replace-device', row },
    deviceStatementChange(statement, context.clock.now()),
    ...claimChanges(rolesOf(statement.payload)),
    leafChange(context.origin, { typ: 'kf-device+jwt', ref: statement.ref, user: device.user }),
  ]
}
