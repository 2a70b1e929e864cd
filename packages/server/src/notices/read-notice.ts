import { KeyferryError, type NoticeId } from '@keyferry/protocol'
import * as z from 'zod'
import type { Caller } from '../access/caller.ts'
import type { ServerContext } from '../context.ts'
import type { DeliveryRow, NoticeRow } from '../store/rows.ts'
import { type Standing, standing } from '../transfers/standing.ts'
import { recipientOf } from './recipient.ts'
import { eventType } from './sign-notice.ts'

/** Answer of a call-back (PROTOCOL 12): what the notice is about, as ids. */
export interface NoticeView {
  id: string
  type: string
  /** Of the delivery or enrolment. */
  state?: string
  delivery?: string
  enrolment?: string
  /** What the recipient is in the delivery. */
  role?: string
  links: Record<string, string>
}
export const NoticeViewShape: z.ZodType<NoticeView> = z.object({
  id: z.string(),
  type: z.string(),
  state: z.string().exactOptional(),
  delivery: z.string().exactOptional(),
  enrolment: z.string().exactOptional(),
  role: z.string().exactOptional(),
  links: z.record(z.string(), z.string()),
})

/**
 * The call-back: only its recipient reads a notice. It acknowledges nothing, so the notice stays in the inbox; what it ends is the
 * escalation to other channels, of which this version has none.
 * @throws {KeyferryError} `not-found`
 */
export async function readNotice(
  context: Pick<ServerContext, 'read' | 'clock' | 'origin'>,
  caller: Caller,
  id: NoticeId,
): Promise<NoticeView> {
  const recipient = recipientOf(caller)
  const notice = await context.read.notice(id)
  if (notice === null || notice.recipient !== recipient || notice.expiresAt <= context.clock.now()) {
    throw new KeyferryError('not-found', 'no such notice')
  }
  return {
    id: notice.id,
    type: eventType(notice.type),
    ...(await aboutDelivery(context, caller, notice)),
    ...(await aboutEnrolment(context, notice)),
  }
}

type About = Omit<NoticeView, 'id' | 'type'>

async function aboutDelivery(
  context: Pick<ServerContext, 'read' | 'origin'>,
  caller: Caller,
  notice: NoticeRow,
): Promise<About> {
  const delivery = notice.delivery === null ? null : await context.read.delivery(notice.delivery)
  const as = delivery === null ? null : standing(caller, delivery)
  if (delivery === null || as === null) return { links: {} }
  const role = roleOf(notice.recipient, delivery, as)
  return {
    state: delivery.state,
    delivery: delivery.dl,
    ...(role === null ? {} : { role }),
    links: { delivery: `${context.origin}/v1/deliveries/${delivery.dl}` },
  }
}

/** Who acts on a delivery comes before who asked for it; another device of a user who takes part has no role of its own. */
function roleOf(recipient: string, delivery: DeliveryRow, as: Standing): string | null {
  if (as.target && recipient === delivery.target) return 'target'
  if (as.source) return 'source'
  if (as.orderBy) return 'order'
  return as.requester ? 'requester' : null
}

async function aboutEnrolment(
  context: Pick<ServerContext, 'read' | 'origin'>,
  notice: NoticeRow,
): Promise<Partial<About>> {
  const enrolment = notice.enrolment === null ? null : await context.read.enrolment(notice.enrolment)
  if (enrolment === null) return {}
  return {
    state: enrolment.state,
    enrolment: enrolment.id,
    links: { enrolment: `${context.origin}/v1/enrolments/${enrolment.id}` },
  }
}
