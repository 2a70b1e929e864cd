import {
  checkDeviceSet,
  checkHandover,
  type DeviceSetPayload,
  deviceSetStatement,
  handoverRefs,
  KeyferryError,
  readStatement,
  type Statement,
  thumbprint,
} from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { UserRow } from '../store/rows.ts'
import { asCheckOf } from '../transfers/check-error.ts'
import { claimChanges } from './key-roles.ts'
import { requireInTime, SET_TIMES } from './lifetime.ts'
import { requireReachableQuorum } from './reachable-quorum.ts'
import { revokedGrants } from './revoked-grants.ts'
import { membershipChanges, membershipOf } from './set-members.ts'
import { requireSuccession, type SetChain } from './set-succession.ts'
import { deviceSetChange, filed, knownStatement, leafChange, type StatementPutView } from './statement-row.ts'
import { type Decided, decideAndCommit, type Put } from './unit-of-work.ts'
import { notFound, refuseAgent, requireActsFor } from './whose.ts'
import { withdrawals } from './withdrawals.ts'

/**
 * The next device set of a user (PROTOCOL 2.2). In one unit of work: devices that it no longer lists are revoked and their open
 * deliveries withdrawn, devices that it adds are enrolled, the leaves are made. A hand-over set waits, without a leaf, until the
 * set after it is put.
 * @throws {KeyferryError} `not-found`, `access-denied`, `set-rollback`, `statement-invalid` with `check`
 */
export async function putDeviceSet(
  context: ServerContext,
  caller: Caller,
  text: string,
): Promise<Put<StatementPutView>> {
  const { statement, handovers } = await asCheckOf('statement-invalid', async () => {
    const read = readStatement(deviceSetStatement, text)
    return { statement: read, handovers: handoverRefs(read) }
  })
  if (statement.payload.next !== undefined && handovers.length > 0) throw notASet('a hand-over set carries no other')
  return decideAndCommit(context, () => decide(context, caller, statement))
}

async function decide(
  context: ServerContext,
  caller: Caller,
  set: Statement<DeviceSetPayload>,
): Promise<Decided<Put<StatementPutView>>> {
  requireActsFor(caller, set.payload.user)
  refuseAgent(caller)
  const user = await context.read.user(set.payload.user)
  // The first set of a user comes with the claim of his first device (PROTOCOL 3).
  if (user === null) throw notFound()
  const known = await knownStatement(context, set.ref)
  if (known !== null) return known
  const chain = await chainOf(context, user)
  requireSuccession(chain, set)
  return set.payload.next === undefined
    ? replaceSet(context, user, chain, set)
    : awaitSuccessor(context, user, chain, set)
}

async function chainOf(context: ServerContext, user: UserRow): Promise<SetChain> {
  const [current, pending] = await Promise.all([
    context.statements.deviceSet(user.setRef),
    user.handoverRef === null ? null : context.statements.deviceSet(user.handoverRef),
  ])
  return { current, pending }
}

async function awaitSuccessor(
  context: ServerContext,
  user: UserRow,
  chain: SetChain,
  set: Statement<DeviceSetPayload>,
): Promise<Decided<Put<StatementPutView>>> {
  // "The immediately following set is signed by the new root": one hand-over at a time.
  if (chain.pending !== null || set.payload.next === undefined) throw notASet('a hand-over set already waits')
  await asCheckOf('statement-invalid', async () => {
    await checkHandover(set, { origin: context.origin, user: user.id, root: thumbprint(chain.current.payload.root) })
    requireInTime(set.payload, context.clock.now(), SET_TIMES)
  })
  const row: UserRow = { ...user, handoverRef: set.ref, version: user.version + 1 }
  return filed(set.ref, [
    { kind: 'replace-user', row },
    deviceSetChange(set, context.clock.now()),
    ...claimChanges([{ thumbprint: thumbprint(set.payload.next), role: 'root', holder: user.id }]),
  ])
}

async function replaceSet(
  context: ServerContext,
  user: UserRow,
  chain: SetChain,
  set: Statement<DeviceSetPayload>,
): Promise<Decided<Put<StatementPutView>>> {
  await asCheckOf('statement-invalid', async () => {
    await checkDeviceSet(set, { origin: context.origin, user: user.id })
    requireReachableQuorum(set.payload)
    requireInTime(set.payload, context.clock.now(), SET_TIMES)
  })
  if (chain.current.payload.trust !== undefined && set.payload.trust === undefined) {
    throw notASet('once a set says what to trust, every later one does')
  }
  const row: UserRow = {
    ...user,
    setRef: set.ref,
    setSeq: set.payload.seq,
    handoverRef: null,
    version: user.version + 1,
  }
  const members = await membershipOf(context, set.payload)
  const ended = await withdrawals(context, [
    ...members.leaving.map((device) => ({ what: { device: device.id }, reason: 'device-revoked' as const })),
    ...(await revokedGrants(context, chain.current.payload, set.payload)),
  ])
  return filed(set.ref, [
    { kind: 'replace-user', row },
    deviceSetChange(set, context.clock.now()),
    ...(chain.pending === null
      ? []
      : [leafChange(context.origin, { typ: 'kf-device-set+jwt', ref: chain.pending.ref, user: user.id })]),
    leafChange(context.origin, { typ: 'kf-device-set+jwt', ref: set.ref, user: user.id }),
    ...membershipChanges(context, members),
    ...ended,
  ])
}

function notASet(message: string): KeyferryError {
  return new KeyferryError('statement-invalid', message, { check: 'set-invalid' })
}
