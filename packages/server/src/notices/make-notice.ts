import { type DeliveryId, type EnrolmentId, type EpochSeconds, makeId } from '@keyferry/protocol'
import type { NoticeRow, NoticeType } from '../store/rows.ts'

export interface NoticeFacts {
  /** 16 random octets: the id. */
  readonly random: Uint8Array
  readonly type: NoticeType
  /** Device, user or application id. */
  readonly recipient: string
  readonly delivery?: DeliveryId | null
  readonly enrolment?: EnrolmentId | null
  readonly now: EpochSeconds
  /** When the notice has no point any more: the deadline of what it tells of. */
  readonly expiresAt: EpochSeconds
}

/** An outbox entry (PROTOCOL 12), to be written in the unit of work of the change that it tells of. */
export function noticeRow(facts: NoticeFacts): NoticeRow {
  return {
    id: makeId('nt', facts.random),
    type: facts.type,
    recipient: facts.recipient,
    delivery: facts.delivery ?? null,
    enrolment: facts.enrolment ?? null,
    createdAt: facts.now,
    expiresAt: facts.expiresAt,
    state: 'queued',
  }
}
