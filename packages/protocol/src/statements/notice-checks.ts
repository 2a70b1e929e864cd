import type { NoticeId } from '../ids/ids.ts'
import type { EpochSeconds } from '../json/shapes.ts'
import { NOTICE_REASONS, type NoticePayload, type NoticeType } from './notice.ts'

export interface NoticeFacts {
  readonly id: NoticeId
  readonly origin: string
  readonly type: NoticeType
  readonly time: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** The payload of a notice (PROTOCOL 12): no name of a user, device, key or delivery. */
export function makeNotice({ id, origin, type, time, expiresAt }: NoticeFacts): NoticePayload {
  return {
    specversion: '1.0',
    id,
    source: origin,
    type,
    time: instant(time),
    expirytime: instant(expiresAt),
    datacontenttype: 'application/json',
    data: { reason: NOTICE_REASONS[type], callback: callbackOf(origin, id) },
  }
}

/** Whether a notice is worth a call-back; a foreign host or an expired one is ignored (PROTOCOL 12). */
export function noticeIsLive(notice: NoticePayload, origin: string, now: EpochSeconds): boolean {
  return (
    notice.source === origin &&
    notice.data.callback === callbackOf(origin, notice.id) &&
    now * 1000 < Date.parse(notice.expirytime)
  )
}

function callbackOf(origin: string, id: NoticeId): string {
  return `${origin}/v1/notices/${id}`
}

/** RFC 3339 in UTC, whole seconds. */
function instant(seconds: EpochSeconds): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}
