import { type DeliveryEvent, isTerminal, transition } from '@keyferry/protocol'
import type { ServerContext } from '../context.ts'
import { noticeRow } from '../notices/make-notice.ts'
import type { Change } from '../store/changes.ts'
import type { DeliveryRow, NoticeType } from '../store/rows.ts'

export interface Step {
  readonly delivery: DeliveryRow
  readonly changes: readonly Change[]
}

type Told = readonly (readonly [NoticeType, string])[]

/**
 * One row of the table of PROTOCOL 5 as a unit of work: the new row, the erasure that a terminal state brings, and the notices
 * of the last column. Wake-ups (rows 1 and 7) depend on proofs and are added by who knows them.
 * @throws {KeyferryError} `state-conflict` or `delivery-closed` if the state does not allow the event.
 */
export function step(
  context: Pick<ServerContext, 'clock' | 'random'>,
  before: DeliveryRow,
  event: DeliveryEvent,
  patch: Partial<DeliveryRow> = {},
): Step {
  const delivery: DeliveryRow = { ...transition(before, event, context.clock.now()), waitingFor: [], ...patch }
  const changes: Change[] = [{ kind: 'replace-delivery', row: delivery }]
  if (isTerminal(delivery.state)) {
    changes.push({ kind: 'erase-envelopes', dl: delivery.dl }, { kind: 'retire-notices', delivery: delivery.dl })
  }
  for (const [type, recipient] of told(delivery, event)) {
    changes.push({ kind: 'insert-notice', row: noticeFor(context, delivery, type, recipient) })
  }
  return { delivery, changes }
}

/** A notice about a delivery; it lives as long as the delivery may. */
export function noticeFor(
  context: Pick<ServerContext, 'clock' | 'random'>,
  delivery: DeliveryRow,
  type: NoticeType,
  recipient: string,
): Extract<Change, { kind: 'insert-notice' }>['row'] {
  return noticeRow({
    random: context.random.octets(16),
    type,
    recipient,
    // A `wake` says nothing, not even which delivery waits.
    delivery: type === 'wake' ? null : delivery.dl,
    now: context.clock.now(),
    expiresAt: delivery.deadline,
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

function outcome(delivery: DeliveryRow, parties: readonly string[]): Told {
  const recipients = new Set(parties)
  // A person hears by the channels of his account; only devices and applications have an inbox.
  if (delivery.requester.type !== 'user') recipients.add(delivery.requester.id)
  return [...recipients].map((recipient) => [OUTCOME, recipient] as const)
}

function toldBefore(delivery: DeliveryRow): readonly string[] {
  const parties: string[] = []
  if (delivery.admittedAt !== null) parties.push(delivery.orderBy === 'source' ? delivery.source : delivery.orderBy)
  if (delivery.admittedAt !== null && delivery.orderRef !== null) parties.push(delivery.source)
  if (delivery.releasedAt !== null) parties.push(delivery.target)
  return parties
}
