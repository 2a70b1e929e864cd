import { type DeliveryEvent, isOverdue, isTerminal, KeyferryError, transition } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { noticeRow } from '../notices/make-notice.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow, NoticeRow, NoticeType } from '../store/rows.ts'

export interface Step {
  readonly delivery: DeliveryRow
  readonly changes: readonly Change[]
}

type Told = readonly (readonly [NoticeType, string])[]

/**
 * One row of the table of PROTOCOL 5 as a unit of work: the new row, the erasure that a terminal state brings, and the notices
 * of the last column. Wake-ups (rows 1 and 7) depend on proofs and are added by who knows them.
 * @param patch - what the event brings beside state, counts and times.
 * @throws {KeyferryError} `state-conflict` or `delivery-closed` if the state does not allow the event; past the deadline an open
 *   delivery can only expire.
 */
export function step(
  context: Pick<ServerContext, 'clock' | 'random'>,
  before: DeliveryRow,
  event: DeliveryEvent,
  patch: Partial<DeliveryRow> = {},
): Step {
  const now = context.clock.now()
  if (event !== 'expire' && !isTerminal(before.state) && isOverdue(before, now)) {
    throw new KeyferryError('delivery-closed', 'the deadline has passed', { state: 'expired' })
  }
  const delivery: DeliveryRow = { ...transition(before, event, now), waitingFor: [], ...patch }
  const changes: Change[] = [{ kind: 'replace-delivery', row: delivery }]
  if (isTerminal(delivery.state)) {
    changes.push({ kind: 'erase-envelopes', dl: delivery.dl }, { kind: 'retire-notices', delivery: delivery.dl })
  }
  for (const [type, recipient] of told(delivery, event)) {
    changes.push({ kind: 'insert-notice', row: noticeFor(context, delivery, type, recipient) })
  }
  return { delivery, changes }
}

/** How long an outcome waits to be read: it is told when the deadline may be over. */
const OUTCOME_SECONDS = 7 * 86_400

/** A notice about a delivery; it lives as long as the delivery may. */
export function noticeFor(
  context: Pick<ServerContext, 'clock' | 'random'>,
  delivery: DeliveryRow,
  type: NoticeType,
  recipient: string,
): NoticeRow {
  const now = context.clock.now()
  return noticeRow({
    random: context.random.octets(16),
    type,
    recipient,
    delivery: delivery.dl,
    now,
    expiresAt: type === OUTCOME ? Math.max(delivery.deadline, now) + OUTCOME_SECONDS : delivery.deadline,
  })
}

const OUTCOME = 'outcome'

/** Last column of the table of PROTOCOL 5. */
function told(delivery: DeliveryRow, event: DeliveryEvent): Told {
  switch (event) {
    case 'admit':
      return delivery.orderBy === 'source'
        ? [['source-requested', delivery.source]]
        : [['order-requested', delivery.orderBy]]
    case 'release':
      return [['target-available', delivery.target]]
    case 'install':
    case 'reject':
      return outcome(delivery, [delivery.source])
    case 'refuse':
      return outcome(delivery, delivery.stage === 'ac1' ? [] : [delivery.source])
    case 'cancel':
    case 'expire':
    case 'withdraw':
      return outcome(delivery, toldBefore(delivery))
    default:
      return []
  }
}

/** Always the requester too; a person hears by the channels of his account, only devices and applications have an inbox. */
function outcome(delivery: DeliveryRow, parties: readonly string[]): Told {
  const recipients = new Set(parties)
  if (delivery.requester.type !== 'user') recipients.add(delivery.requester.id)
  return [...recipients].map((recipient) => [OUTCOME, recipient] as const)
}

function toldBefore(delivery: DeliveryRow): readonly string[] {
  const parties: string[] = delivery.approvers.flatMap(({ devices }) => devices)
  if (delivery.admittedAt !== null) {
    if (delivery.orderBy !== 'source') parties.push(delivery.orderBy)
    if (delivery.orderBy === 'source' || delivery.orderRef !== null) parties.push(delivery.source)
  }
  if (delivery.releasedAt !== null) parties.push(delivery.target)
  return parties
}
