import { checkDeadline, type DeviceId, deviceIn, KeyferryError, makeId, type OrderKey } from '@keyferry/protocol'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import { refuseAgent } from '../registry/whose.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow, DeviceRow, IdempotencyRow, KeyRow, Requester, TransferRow } from '../store/rows.ts'
import { askBefore, mayReadKey, noKey } from './ask-before.ts'
import { type ChosenParties, chooseParties, namedTargets, usableSources } from './choose-parties.ts'
import { afterOthers } from './conflict.ts'
import { decisionChanges } from './decide.ts'
import { liveGrantOf } from './grants.ts'
import { NEW_ATTEMPT } from './new-attempt.ts'
import { PENDING_LIMIT } from './pending.ts'
import type { TransferRequest } from './request-body.ts'
import { type TransferView, transferView } from './view.ts'
import { wakeChanges } from './wake.ts'

/** Makes the idempotency entry that goes into the same unit of work as the effect. */
export type Remember = (view: TransferView) => IdempotencyRow

/**
 * E1: asks for a transfer (PROTOCOL 5). A request is not a permission: what may move is said by orders (PROTOCOL 2.4).
 * @throws {KeyferryError} `malformed`, `not-found`, `access-denied`, `state-conflict`, `no-usable-target`, `no-common-suite`,
 *   `too-large`, `unavailable`
 */
export async function requestTransfer(
  context: ServerContext,
  caller: Caller,
  body: TransferRequest,
  remember?: Remember,
): Promise<TransferView> {
  refuseAgent(caller)
  checkBody(context, body)
  const requester = requesterOf(caller)
  const key = await findKey(context, caller, body)
  const sources = await usableSources(context, key, body.source)
  await askBefore(context, caller, requester, key, body, sources[0] ?? null)
  const named = await namedTargets(context, key, body.targets)
  // For who is not whose key it is, a key of class `user` does not exist: neither its targets nor its generation say otherwise.
  if (named.length === 0 && key.class === 'user' && !(await mayReadKey(context, caller, key))) throw noKey()
  if (key.generation !== body.generation) {
    throw new KeyferryError('state-conflict', 'the catalogue has another generation of this key', {
      state: `generation ${key.generation}`,
    })
  }
  const parties = await chooseParties(context, key, sources, named, body.mechanism ?? 'public-key')
  checkCount(context, parties.targets.length)
  checkNonce(caller, body, parties.targets)
  const orderBy = await checkedOrderBy(context, key, body, parties.source)
  return afterOthers(() => insert(context, caller, { requester, key, body, parties, orderBy }, remember))
}

function checkBody(context: ServerContext, body: TransferRequest): void {
  checkDeadline(body.deadline, context.clock.now())
  if (body.notBefore !== undefined && body.notBefore >= body.deadline) {
    throw new KeyferryError('malformed', 'the deadline would pass before it may begin')
  }
  checkCount(context, body.targets.length)
}

function checkCount(context: ServerContext, targets: number): void {
  const { targets: max } = context.limits
  if (targets > max) throw new KeyferryError('too-large', 'too many targets', { max })
}

function requesterOf(caller: Caller): Requester {
  switch (caller.type) {
    case 'device':
      return { type: 'device', id: caller.device.id, user: caller.device.user }
    case 'application':
      return { type: 'application', id: caller.application.id, user: null }
    case 'user':
      return { type: 'user', id: caller.user, user: caller.user }
    default:
      throw new KeyferryError('access-denied', 'transfers are asked for by devices, users and applications', {
        stage: 'ac1',
        reason: 'requester',
      })
  }
}

/** Applications ask only under a live grant for the key. */
async function findKey(context: ServerContext, caller: Caller, body: TransferRequest): Promise<KeyRow> {
  const key = await context.read.key(body.key)
  if (key === null || key.withdrawn) throw noKey()
  if (caller.type === 'application' && (await liveGrantOf(context, key, caller.application.id)) === null) throw noKey()
  return key
}

/** Only a target gives a nonce, and only for its own delivery. */
function checkNonce(caller: Caller, body: TransferRequest, targets: readonly DeviceRow[]): void {
  if (body.nonce === undefined) return
  const isOwn = caller.type === 'device' && targets.length === 1 && targets[0]?.id === caller.device.id
  if (!isOwn) throw new KeyferryError('malformed', 'a nonce is given by a target for its own delivery only')
}

/** The source itself, a device of the owner with role `order`, or the grantee of a live grant that covers the key. */
async function checkedOrderBy(
  context: ServerContext,
  key: KeyRow,
  { orderBy = 'source' }: TransferRequest,
  source: DeviceRow,
): Promise<DeliveryRow['orderBy']> {
  if (orderBy === 'source' || orderBy === source.id) return 'source'
  const owner = await context.read.user(key.owner)
  const entry = owner === null ? null : deviceIn((await context.statements.deviceSet(owner.setRef)).payload, orderBy)
  const isOrderDevice = entry !== null && entry !== 'revoked' && entry.roles.includes('order')
  if (isOrderDevice || (await liveGrantOf(context, key, orderBy)) !== null) return orderBy
  throw new KeyferryError(
    'malformed',
    'orderBy is no device with role order and no grantee of a live grant for this key',
  )
}

interface NewTransfer {
  readonly requester: Requester
  readonly key: KeyRow
  readonly body: TransferRequest
  readonly parties: ChosenParties
  readonly orderBy: DeliveryRow['orderBy']
}

async function insert(
  context: ServerContext,
  caller: Caller,
  facts: NewTransfer,
  remember: Remember | undefined,
): Promise<TransferView> {
  const { requester, key, body, parties } = facts
  const transfer: TransferRow = {
    tr: makeId('tr', context.random.octets(16)),
    requester,
    key: key.id,
    purpose: body.purpose ?? null,
    notBefore: body.notBefore ?? null,
    deadline: body.deadline,
    createdAt: context.clock.now(),
  }
  const deliveries = parties.targets.map((target) => newDelivery(context, transfer, facts, target))
  const decided = await decideNow(context, deliveries, parties.source.id)
  const view = transferView(context, caller, transfer, afterwards(deliveries, decided))
  const changes: Change[] = [
    { kind: 'insert-transfer', row: transfer },
    ...deliveries.map((row): Change => ({ kind: 'insert-delivery', row })),
    ...(await wakeChanges(context, deliveries[0] as DeliveryRow)),
    ...decided,
  ]
  if (remember !== undefined) changes.push({ kind: 'insert-idempotency', row: remember(view) })
  await context.commit(changes)
  return view
}

function newDelivery(
  context: ServerContext,
  { tr, requester, purpose, notBefore, deadline, createdAt }: TransferRow,
  { key, body, parties, orderBy }: NewTransfer,
  target: DeviceRow,
): DeliveryRow {
  return {
    dl: makeId('dl', context.random.octets(16)),
    tr,
    requester,
    purpose,
    named: body.targets.some((named) => 'device' in named && named.device === target.id),
    state: 'requested',
    stage: null,
    waitingFor: [],
    attempt: 1,
    key: orderKeyOf(key),
    keyId: key.id,
    owner: key.owner,
    container: key.container,
    username: key.username,
    source: parties.source.id,
    target: target.id,
    targetUser: target.user,
    orderBy,
    mechanism: body.mechanism ?? 'public-key',
    minExposure: body.minExposure ?? { source: 'software', target: 'software' },
    redelivery: body.redelivery ?? false,
    nonce: body.nonce ?? null,
    notBefore,
    deadline,
    changedAt: createdAt,
    collections: 0,
    ...NEW_ATTEMPT,
    version: 1,
  }
}

function orderKeyOf(key: KeyRow): OrderKey {
  return {
    id: key.id,
    class: key.class,
    generation: key.generation,
    type: key.type as OrderKey['type'],
    ...(key.usages === null ? {} : { usages: [...key.usages] }),
    ...(key.validFrom === null ? {} : { validFrom: key.validFrom }),
    ...(key.validUntil === null ? {} : { validUntil: key.validUntil }),
  }
}

/** Where the source's proof is fresh, AC1 is asked in the same unit of work; what is left over waits for its next request. */
async function decideNow(
  context: ServerContext,
  deliveries: readonly DeliveryRow[],
  source: DeviceId,
): Promise<readonly Change[]> {
  const proof = context.proofs.fresh(source, context.clock.now())
  if (proof === null) return []
  const first = deliveries.slice(0, PENDING_LIMIT)
  return (await Promise.all(first.map((delivery) => decisionChanges(context, delivery, proof)))).flat()
}

function afterwards(deliveries: readonly DeliveryRow[], changes: readonly Change[]): readonly DeliveryRow[] {
  const replaced = new Map(
    changes.flatMap((change) => (change.kind === 'replace-delivery' ? [[change.row.dl, change.row]] : [])),
  )
  return deliveries.map((delivery) => replaced.get(delivery.dl) ?? delivery)
}
