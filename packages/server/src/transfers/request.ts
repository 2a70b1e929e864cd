import {
  b64uShape,
  type DeviceId,
  EpochSecondsShape,
  KeyferryError,
  type KeyId,
  KeyIdShape,
  type Mechanism,
  MechanismShape,
  type MinExposure,
  MinExposureShape,
  makeId,
  type OrderKey,
  parseKeyId,
  type Thumbprint,
  ThumbprintShape,
  type UserId,
} from '@keyferry/protocol'
import * as z from 'zod'
import { type Caller, userOf } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow, DeviceRow, IdempotencyRow, KeyRow, Requester, TransferRow } from '../store/rows.ts'
import { decisionChanges, deviceFacts, PENDING_LIMIT, subjectOf, wakeChanges } from './decide.ts'
import { liveGrantOf } from './grants.ts'
import { commonOptions } from './options.ts'
import { type TransferView, transferView } from './view.ts'

const MAX_AHEAD_SECONDS = 90 * 24 * 3600

/** Body of E1 (PROTOCOL 5). */
export interface TransferRequest {
  key: KeyId
  generation: number
  source?: DeviceId
  targets: ({ device: DeviceId } | { user: UserId } | { group: string })[]
  orderBy?: 'source' | Thumbprint
  mechanism?: Mechanism
  minExposure?: MinExposure
  redelivery?: boolean
  nonce?: string
  purpose?: string
  notBefore?: number
  deadline: number
}
export const TransferRequestShape: z.ZodType<TransferRequest> = z.strictObject({
  key: KeyIdShape,
  generation: z.int().min(1),
  source: ThumbprintShape.exactOptional(),
  targets: z
    .array(
      z.union([
        z.strictObject({ device: ThumbprintShape }),
        z.strictObject({ user: ThumbprintShape }),
        z.strictObject({ group: z.string().regex(/^gr_[0-7][0-9a-hjkmnp-tv-z]{25}$/) }),
      ]),
    )
    .min(1),
  orderBy: z.union([z.literal('source'), ThumbprintShape]).exactOptional(),
  mechanism: MechanismShape.exactOptional(),
  minExposure: MinExposureShape.exactOptional(),
  redelivery: z.boolean().exactOptional(),
  nonce: b64uShape(16).exactOptional(),
  purpose: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .exactOptional(),
  notBefore: EpochSecondsShape.exactOptional(),
  deadline: EpochSecondsShape,
})

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
  const now = context.clock.now()
  if (body.deadline <= now || body.deadline > now + MAX_AHEAD_SECONDS) {
    throw new KeyferryError('malformed', 'the deadline is past or more than 90 days ahead')
  }
  if (body.targets.length > context.limits.targets) {
    throw new KeyferryError('too-large', 'too many targets', { max: context.limits.targets })
  }
  const requester = requesterOf(caller)
  const key = await context.read.key(body.key)
  if (key === null) throw new KeyferryError('not-found', 'no such key')
  if (caller.type === 'application' && (await liveGrantOf(context, key, caller.application.id)) === null) {
    throw new KeyferryError('not-found', 'no such key')
  }
  const source = await pickSource(context, key, body)
  await askBefore(context, requester, caller, key, body, source)
  if (key.withdrawn || key.generation !== body.generation) {
    throw new KeyferryError('state-conflict', 'the catalogue has another generation of this key, or it is withdrawn', {
      state: key.withdrawn ? 'withdrawn' : `generation ${key.generation}`,
    })
  }
  if (source === null) throw new KeyferryError('no-common-suite', 'no source of this key can be used')
  await checkOrderBy(context, key, body, source)
  const targets = await expandTargets(context, body, source)
  checkNonce(caller, body, targets)
  const usable = await targetsWithSuite(context, key, source, targets, body.mechanism ?? 'public-key')

  const tr = makeId('tr', context.random.octets(16))
  const transfer: TransferRow = {
    tr,
    requester,
    key: key.id,
    purpose: body.purpose ?? null,
    notBefore: body.notBefore ?? null,
    deadline: body.deadline,
    createdAt: now,
  }
  const deliveries = usable.map(
    (target): DeliveryRow => ({
      dl: makeId('dl', context.random.octets(16)),
      tr,
      requester,
      purpose: transfer.purpose,
      named: body.targets.some((named) => 'device' in named && named.device === target.id),
      state: 'requested',
      stage: null,
      reason: null,
      waitingFor: [],
      attempt: 1,
      key: orderKeyOf(key),
      keyId: key.id,
      owner: key.owner,
      container: key.container,
      username: key.username,
      source: source.id,
      target: target.id,
      targetUser: target.user,
      orderBy: body.orderBy ?? 'source',
      mechanism: body.mechanism ?? 'public-key',
      minExposure: body.minExposure ?? { source: 'software', target: 'software' },
      redelivery: body.redelivery ?? false,
      nonce: body.nonce ?? null,
      notBefore: transfer.notBefore,
      deadline: body.deadline,
      changedAt: now,
      collections: 0,
      admittedAt: null,
      releasedAt: null,
      approvals: [],
      orderRef: null,
      envelopeRef: null,
      envelopeDigest: null,
      receiptRef: null,
      lateReceipt: false,
      cancelledBy: null,
      version: 1,
    }),
  )
  const decided = await decideNow(context, deliveries, source.id)
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

/** Whether only devices of the requester's own user are named: then he asks to receive, which anybody may ask. */
async function asksForItself(context: ServerContext, requester: Requester, body: TransferRequest): Promise<boolean> {
  if (requester.user === null) return false
  const users = await Promise.all(
    body.targets.map(async (target) => {
      if ('user' in target) return target.user
      return 'device' in target ? ((await context.read.device(target.device))?.user ?? null) : null
    }),
  )
  return users.every((user) => user === requester.user)
}

/** AC1 "with what is known" (PROTOCOL 6): conditions count as a permit here, no decision is 503. */
async function askBefore(
  context: ServerContext,
  requester: Requester,
  caller: Caller,
  key: KeyRow,
  body: TransferRequest,
  source: DeviceRow | null,
): Promise<void> {
  const now = context.clock.now()
  const party = caller.type === 'device' ? caller.method : 'session'
  const answer = await context.access.decide({
    subject: subjectOf(requester, await asksForItself(context, requester, body)),
    action: { name: 'keyferry.admit' },
    resource: { type: 'key', id: key.id, properties: { class: key.class, generation: body.generation } },
    context: {
      stage: 'ac1',
      ...(body.purpose === undefined ? {} : { purpose: body.purpose }),
      ...(key.username === null ? {} : { username: key.username }),
      mechanism: body.mechanism ?? 'public-key',
      now,
      ...(source === null ? {} : { source: deviceFacts(source, undefined) }),
      proof: { party: 'source', method: party, at: now, code: false },
      orderBy: body.orderBy ?? 'source',
      approvals: [],
      copies: await context.read.copiesOf(key.id),
    },
  })
  if (answer === null) throw new KeyferryError('unavailable', 'no access decision now', { retryAfter: 5 })
  if (answer.decision) return
  if (userOf(caller) !== key.owner) throw new KeyferryError('not-found', 'no such key')
  throw new KeyferryError('access-denied', 'this transfer may not be asked for', {
    stage: 'ac1',
    reason: answer.context?.reason ?? 'denied',
  })
}

export function orderKeyOf(key: KeyRow): OrderKey {
  return {
    id: parseKeyId(key.id),
    class: key.class,
    generation: key.generation,
    type: key.type as OrderKey['type'],
    ...(key.usages === null ? {} : { usages: [...key.usages] }),
    ...(key.validFrom === null ? {} : { validFrom: key.validFrom }),
    ...(key.validUntil === null ? {} : { validUntil: key.validUntil }),
  }
}

/** The source named, or one that holds the key by the catalogue; active, not suspended, in its user's set as `source`. */
async function pickSource(context: ServerContext, key: KeyRow, body: TransferRequest): Promise<DeviceRow | null> {
  const owner = await context.read.user(key.owner)
  if (owner === null) return null
  const set = (await context.statements.deviceSet(owner.setRef)).payload
  const wanted = body.source === undefined ? key.sources : [body.source]
  for (const id of wanted) {
    const device = await context.read.device(id)
    const listed = set.devices.find((entry) => entry.id === id)
    const usable = device?.state === 'active' && device.suspended === null && device.user === key.owner
    if (usable && listed?.roles.includes('source') === true) return device
  }
  return null
}

async function checkOrderBy(
  context: ServerContext,
  key: KeyRow,
  body: TransferRequest,
  source: DeviceRow,
): Promise<void> {
  const orderBy = body.orderBy ?? 'source'
  if (orderBy === 'source' || orderBy === source.id) return
  const owner = await context.read.user(key.owner)
  const set = owner === null ? null : (await context.statements.deviceSet(owner.setRef)).payload
  if (set?.devices.some((entry) => entry.id === orderBy && entry.roles.includes('order')) === true) return
  if ((await liveGrantOf(context, key, orderBy)) !== null) return
  throw new KeyferryError(
    'malformed',
    'orderBy is no device with role order and no grantee of a live grant for this key',
  )
}

/** Users are expanded now to their active devices with role `target`; the source never gets its own key. */
async function expandTargets(
  context: ServerContext,
  body: TransferRequest,
  source: DeviceRow,
): Promise<readonly DeviceRow[]> {
  const found = new Map<DeviceId, DeviceRow>()
  for (const target of body.targets) {
    if ('group' in target) throw new KeyferryError('not-found', 'no such group')
    const candidates =
      'device' in target ? [await context.read.device(target.device)] : await context.read.devicesOf(target.user)
    for (const device of candidates) {
      if (device !== null && device.id !== source.id && (await isActiveTarget(context, device))) {
        found.set(device.id, device)
      }
    }
  }
  if (found.size === 0) throw new KeyferryError('no-usable-target', 'no active device of these targets can take a key')
  if (found.size > context.limits.targets) {
    throw new KeyferryError('too-large', 'too many targets', { max: context.limits.targets })
  }
  return [...found.values()]
}

async function isActiveTarget(context: ServerContext, device: DeviceRow): Promise<boolean> {
  if (device.state !== 'active' || device.suspended !== null) return false
  const user = await context.read.user(device.user)
  if (user === null) return false
  const set = (await context.statements.deviceSet(user.setRef)).payload
  return set.devices.some((entry) => entry.id === device.id && entry.roles.includes('target'))
}

/** Only a target gives a nonce, and only for its own delivery. */
function checkNonce(caller: Caller, body: TransferRequest, targets: readonly DeviceRow[]): void {
  if (body.nonce === undefined) return
  const own = caller.type === 'device' && targets.length === 1 && targets[0]?.id === caller.device.id
  if (!own) throw new KeyferryError('malformed', 'a nonce is given by a target for its own delivery only')
}

async function targetsWithSuite(
  context: ServerContext,
  key: KeyRow,
  source: DeviceRow,
  targets: readonly DeviceRow[],
  mechanism: Mechanism,
): Promise<readonly DeviceRow[]> {
  if (mechanism !== 'public-key') throw new KeyferryError('no-common-suite', 'this mechanism is not offered here')
  const from = (await context.statements.device(source.statementRef)).payload
  const usable: DeviceRow[] = []
  for (const target of targets) {
    const to = (await context.statements.device(target.statementRef)).payload
    const options = commonOptions(from, to, { suites: context.suites, owner: key.owner, now: context.clock.now() })
    if (options.length > 0) usable.push(target)
  }
  if (usable.length === 0) throw new KeyferryError('no-common-suite', 'source and target have no suite in common')
  return usable
}
