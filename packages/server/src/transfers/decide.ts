import type { DeviceId, EpochSeconds, Exposure } from '@keyferry/protocol'
import type { AccessCall, AccessParty } from '../access/access-call.ts'
import { decisionRecord } from '../access/decision-record.ts'
import { type Outcome, outcomeOf } from '../access/outcome.ts'
import type { Proof } from '../access/proof-windows.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow, DeviceRow, Requester } from '../store/rows.ts'
import { isConflict } from './conflict.ts'
import { leafFor } from './leaves.ts'
import { commonOptions } from './options.ts'
import { noticeFor, step } from './step.ts'

/** At most so many decisions, for so long, before the request that brought the proof is answered (PROTOCOL 6). */
export const PENDING_LIMIT = 16
const PENDING_MILLISECONDS = 1000

type Action = 'admit' | 'release' | 'collect'
const STAGE = { admit: 'ac1', release: 'ac2', collect: 'ac2' } as const

/** What the engine said of one delivery, and the record of it (PROTOCOL 6). */
export interface Decision extends Outcome {
  readonly changes: readonly Change[]
}

interface Parties {
  readonly source: DeviceRow
  readonly target: DeviceRow
}

/** Asks the engine about one delivery; `null` if there was no decision: the state stays and the call is made again later. */
export async function evaluate(
  context: ServerContext,
  delivery: DeliveryRow,
  action: Action,
  proof: Proof,
  code = false,
): Promise<Decision | null> {
  const parties = await partiesOf(context, delivery)
  if (parties === null) return null
  const call = await callFor(context, delivery, action, parties, proof, code)
  const ruling = await context.access.decide(call)
  if (ruling === null) return null
  const outcome = outcomeOf(call, ruling)
  const record = decisionRecord({
    dl: delivery.dl,
    attempt: delivery.attempt,
    stage: STAGE[action],
    decision: outcome.outcome,
    reason: outcome.reason,
    policy: ruling.policy,
    call,
    at: context.clock.now(),
  })
  return {
    ...outcome,
    changes: [
      {
        kind: 'insert-decision',
        row: {
          ref: record.ref,
          dl: delivery.dl,
          attempt: delivery.attempt,
          octets: record.octets,
          createdAt: context.clock.now(),
        },
      },
      leafFor(context.origin, 'decision', record.ref, delivery.dl),
    ],
  }
}

async function partiesOf(context: ServerContext, delivery: DeliveryRow): Promise<Parties | null> {
  const [source, target] = await Promise.all([
    context.read.device(delivery.source),
    context.read.device(delivery.target),
  ])
  return source === null || target === null ? null : { source, target }
}

async function callFor(
  context: ServerContext,
  delivery: DeliveryRow,
  action: Action,
  parties: Parties,
  proof: Proof,
  code: boolean,
): Promise<AccessCall> {
  const [source, target, copies] = await Promise.all([
    context.statements.device(parties.source.statementRef),
    context.statements.device(parties.target.statementRef),
    context.read.copiesOf(delivery.keyId),
  ])
  const best = commonOptions(source.payload, target.payload, {
    suites: context.suites,
    owner: delivery.owner,
    now: context.clock.now(),
  })[0]
  return {
    subject: subjectOf(delivery.requester, delivery.requester.user === delivery.targetUser),
    action: { name: `keyferry.${action}` },
    resource: {
      type: 'key',
      id: delivery.keyId,
      properties: { class: delivery.key.class, generation: delivery.key.generation },
    },
    context: {
      stage: STAGE[action],
      delivery: delivery.dl,
      attempt: delivery.attempt,
      ...(delivery.purpose === null ? {} : { purpose: delivery.purpose }),
      ...(delivery.username === null ? {} : { username: delivery.username }),
      mechanism: delivery.mechanism,
      ...(best === undefined ? {} : { alg: best.option.alg }),
      now: context.clock.now(),
      source: deviceFacts(parties.source, best?.exposures.source),
      target: deviceFacts(parties.target, best?.exposures.target),
      proof: {
        party: action === 'admit' ? 'source' : 'target',
        method: proof.method,
        at: proof.at,
        code,
      },
      orderBy: delivery.orderBy,
      approvals: delivery.approvals.filter((entry) => entry.stage === STAGE[action]).map(withoutStage),
      copies,
    },
  }
}

/** The requester as policy sees it. Applications ask only under a live grant for the key, which E1 checked. */
export function subjectOf(requester: Requester, forItself: boolean): AccessCall['subject'] {
  return {
    type: requester.type,
    id: requester.id as AccessCall['subject']['id'],
    properties: {
      ...(requester.user === null ? {} : { user: requester.user }),
      ...(requester.type === 'application' ? { grantee: true as const } : {}),
      ...(forItself ? { forItself: true as const } : {}),
    },
  }
}

function withoutStage(entry: DeliveryRow['approvals'][number]): AccessCall['context']['approvals'][number] {
  return { by: entry.by, decision: entry.decision, at: entry.at }
}

export function deviceFacts(device: DeviceRow, exposure: Exposure | undefined): AccessParty {
  return {
    device: device.id,
    user: device.user,
    kind: device.kind,
    exposure: exposure ?? 'software',
    attested: false,
    suspended: device.suspended !== null,
  }
}

/** Rows 2, 3, 4 and 8 of PROTOCOL 5: what a decision does to a delivery in `requested` or `deposited`. */
export async function decisionChanges(
  context: ServerContext,
  delivery: DeliveryRow,
  proof: Proof,
): Promise<readonly Change[]> {
  const now = context.clock.now()
  const admitting = delivery.state === 'requested'
  if (admitting && delivery.notBefore !== null && delivery.notBefore > now) return []
  if (!admitting && (await hasLowerGeneration(context, delivery))) return []
  const decision = await evaluate(context, delivery, admitting ? 'admit' : 'release', proof)
  if (decision === null) return []
  switch (decision.outcome) {
    case 'permit':
      return [
        ...step(
          context,
          delivery,
          admitting ? 'admit' : 'release',
          admitting ? { admittedAt: now } : { releasedAt: now },
        ).changes,
        ...decision.changes,
      ]
    case 'deny':
      return [
        ...step(context, delivery, 'refuse', { stage: admitting ? 'ac1' : 'ac2', reason: decision.reason }).changes,
        ...decision.changes,
      ]
    case 'wait':
      return waitChanges(context, delivery, decision)
  }
}

/** Row 3. A repeated question with the same answer writes nothing. */
function waitChanges(context: ServerContext, delivery: DeliveryRow, decision: Decision): readonly Change[] {
  if (sameWords(delivery.waitingFor, decision.waitingFor)) return []
  const row = { ...delivery, waitingFor: decision.waitingFor, version: delivery.version + 1 }
  const asked = decision.approvers.map(
    (recipient): Change => ({ kind: 'insert-notice', row: noticeFor(context, row, 'approval-requested', recipient) }),
  )
  return [{ kind: 'replace-delivery', row }, ...asked, ...decision.changes]
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word) => b.includes(word))
}

/** Lower generations of a key are released to a target first (row 8). */
async function hasLowerGeneration(context: ServerContext, delivery: DeliveryRow): Promise<boolean> {
  const siblings = await context.read.sameKeySameTarget(delivery.keyId, delivery.target)
  return siblings.some(
    (other) =>
      other.key.generation < delivery.key.generation && (other.state === 'deposited' || other.state === 'released'),
  )
}

/**
 * Runs the decisions that wait for this device's proof: as source AC1, as target AC2. Call it after a signed request was
 * authenticated and before it is answered; what is left over runs later.
 * @returns Whether some are left.
 */
export async function decidePending(
  context: ServerContext,
  device: DeviceId,
  startedAt: number = performance.now(),
): Promise<boolean> {
  const proof = context.proofs.fresh(device, context.clock.now())
  if (proof === null) return false
  const pending = await context.read.pendingDecisions(device, PENDING_LIMIT + 1)
  for (const delivery of pending.slice(0, PENDING_LIMIT)) {
    if (performance.now() - startedAt > PENDING_MILLISECONDS) return true
    await decideOne(context, delivery, proof)
  }
  return pending.length > PENDING_LIMIT
}

/** Decides one delivery if it waits for a decision and its party's proof is fresh; another writer may have been first. */
export async function decideOne(context: ServerContext, delivery: DeliveryRow, proof: Proof): Promise<void> {
  const changes = await decisionChanges(context, delivery, proof)
  if (changes.length === 0) return
  try {
    await context.commit(changes)
  } catch (error) {
    if (!isConflict(error)) throw error
  }
}

/** The device whose proof the state of a delivery asks for, or null. */
export function provingParty(delivery: DeliveryRow): DeviceId | null {
  if (delivery.state === 'requested') return delivery.source
  return delivery.state === 'deposited' ? delivery.target : null
}

/** `wake` for the party whose proof is missing: one per recipient and proof window (rows 1 and 7). */
export async function wakeChanges(context: ServerContext, delivery: DeliveryRow): Promise<readonly Change[]> {
  const party = provingParty(delivery)
  const now = context.clock.now()
  if (party === null || context.proofs.fresh(party, now) !== null) return []
  if (await context.read.hasWake(party, windowStart(now, context.proofs.windowSeconds))) return []
  return [{ kind: 'insert-notice', row: noticeFor(context, delivery, 'wake', party) }]
}

function windowStart(now: EpochSeconds, windowSeconds: number): EpochSeconds {
  return now - windowSeconds
}
