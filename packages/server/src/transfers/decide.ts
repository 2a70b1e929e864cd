import { isOverdue } from '@keyferry/protocol'
import type { Proof } from '../access/proof-windows.ts'
import type { ServerContext } from '../context.ts'
import type { Change } from '../store/changes.ts'
import type { AskedApprover, DeliveryRow } from '../store/rows.ts'
import { isConflict } from './conflict.ts'
import { type Decision, evaluate } from './evaluate.ts'
import { isTooEarly } from './not-before.ts'
import { endingOf, partiesOf } from './parties.ts'
import { noticeFor, step } from './step.ts'
import { supersededChanges, waitsForOlder } from './superseded.ts'
import { provingParty, wake } from './wake.ts'

/**
 * Rows 2, 3, 4, 8 and 14 of PROTOCOL 5: what a decision does to a delivery in `requested` or `deposited`, whose party has just proved
 * itself. Empty: nothing changes, ask again later.
 */
export async function decisionChanges(
  context: ServerContext,
  delivery: DeliveryRow,
  proof: Proof,
): Promise<readonly Change[]> {
  if (isOverdue(delivery, context.clock.now())) return []
  const parties = await partiesOf(context, delivery)
  const ending = await endingOf(context, delivery, parties)
  if (ending !== null) return step(context, delivery, 'withdraw', { reason: ending }).changes
  const admitting = delivery.state === 'requested'
  if (admitting ? isTooEarly(delivery, context.clock.now()) : !(await mayBeReleased(context, delivery))) return []
  const decision = await evaluate(context, delivery, parties, admitting ? 'admit' : 'release', proof)
  switch (decision?.outcome) {
    case undefined:
      return []
    case 'permit':
      return [...(await permitted(context, delivery)), ...(await decision.record())]
    case 'deny': {
      const patch = { stage: admitting ? 'ac1' : 'ac2', reason: decision.reason } as const
      return [...step(context, delivery, 'refuse', patch).changes, ...(await decision.record())]
    }
    case 'wait':
      return waitChanges(context, delivery, decision)
  }
}

/** Once the proofs of order and envelope exist (PROTOCOL 11), and lower generations are not on their way. */
async function mayBeReleased(context: ServerContext, delivery: DeliveryRow): Promise<boolean> {
  for (const ref of [delivery.orderRef, delivery.envelopeRef]) {
    const index = ref === null ? null : await context.read.leafIndex(ref)
    if (index === null || index >= context.log.size) return false
  }
  return !(await waitsForOlder(context, delivery))
}

async function permitted(context: ServerContext, delivery: DeliveryRow): Promise<readonly Change[]> {
  const now = context.clock.now()
  if (delivery.state === 'requested') return step(context, delivery, 'admit', { admittedAt: now }).changes
  const older = await supersededChanges(context, delivery)
  return [...step(context, delivery, 'release', { releasedAt: now }).changes, ...older]
}

/** Row 3. A repeated question with the same answer writes nothing. */
export async function waitChanges(
  context: ServerContext,
  delivery: DeliveryRow,
  decision: Pick<Decision, 'waitingFor' | 'approvers' | 'record'>,
): Promise<readonly Change[]> {
  const isFirst = !delivery.waitingFor.includes('approval')
  const known = new Set(delivery.approvers.map(({ user }) => user))
  const asked = await devicesOf(
    context,
    decision.approvers.filter((user) => isFirst || !known.has(user)),
  )
  if (asked.length === 0 && sameWords(delivery.waitingFor, decision.waitingFor)) return []
  const names = new Set(asked.map(({ user }) => user))
  const row: DeliveryRow = {
    ...delivery,
    waitingFor: decision.waitingFor,
    approvers: [...delivery.approvers.filter(({ user }) => !names.has(user)), ...asked],
    version: delivery.version + 1,
  }
  const notices = asked
    .flatMap(({ devices }) => devices)
    .map(
      (recipient): Change => ({ kind: 'insert-notice', row: noticeFor(context, row, 'approval-requested', recipient) }),
    )
  return [
    { kind: 'replace-delivery', row },
    ...notices,
    ...(await wakeForBetter(context, row)),
    ...(await decision.record()),
  ]
}

/** Policy may ask for a younger proof, or one by the device key itself. */
async function wakeForBetter(context: ServerContext, delivery: DeliveryRow): Promise<readonly Change[]> {
  const party = provingParty(delivery)
  const lacks = delivery.waitingFor.includes('source-proof') || delivery.waitingFor.includes('target-proof')
  return party === null || !lacks ? [] : wake(context, party)
}

/** People hear by their devices: these have inboxes. */
async function devicesOf(context: ServerContext, users: readonly AskedApprover['user'][]): Promise<AskedApprover[]> {
  return Promise.all(
    users.map(async (user) => {
      const devices = await context.read.devicesOf(user)
      return { user, devices: devices.filter(({ state }) => state === 'active').map(({ id }) => id) }
    }),
  )
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word) => b.includes(word))
}

/** Decides one delivery whose party's proof is fresh; another writer may have been first. */
export async function decideOne(context: ServerContext, delivery: DeliveryRow, proof: Proof): Promise<void> {
  const changes = await decisionChanges(context, delivery, proof)
  if (changes.length === 0) return
  try {
    await context.commit(changes)
  } catch (error) {
    if (!isConflict(error)) throw error
  }
}
