import {
  type DeliveryId,
  type EnrolmentId,
  fromUtf8,
  idShape,
  KeyferryError,
  type NoticeId,
  noticeIsLive,
  noticeStatement,
  readStatement,
  verifyStatement,
} from '@keyferry/protocol'
import * as z from 'zod'
import type { AgentParts } from './parts.ts'

const InboxShape = z.looseObject({ notices: z.record(z.string(), z.string()) })
const NoticeShape = z.looseObject({
  type: z.string(),
  delivery: idShape('dl').exactOptional(),
  enrolment: idShape('en').exactOptional(),
})

/** What a call-back says a notice is about (PROTOCOL 12). */
export interface NoticeFacts {
  readonly id: NoticeId
  readonly type: string
  readonly delivery: DeliveryId | null
  readonly enrolment: EnrolmentId | null
}

/** Of one poll, and of one time of listening: what it leaves is announced again. */
export const MAX_NOTICES = 100

/** Notices that wait at the server, at most 100; those in `acknowledge` are told to be done with. */
export async function pollInbox(
  parts: AgentParts,
  acknowledge: readonly NoticeId[],
  waitSeconds: number,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const answer = await parts.client.call({
    method: 'POST',
    path: '/v1/inbox/poll',
    json: { max: MAX_NOTICES, ...(acknowledge.length === 0 ? {} : { ack: acknowledge }) },
    ...(waitSeconds > 0 ? { waitSeconds } : {}),
    ...(signal === undefined ? {} : { signal }),
  })
  return Object.values(answer.json(InboxShape).notices).slice(0, MAX_NOTICES)
}

/** The id of a notice that a server key of the trust file signed for this origin and that has not expired, else null. */
export async function genuineNotice(parts: AgentParts, jws: string): Promise<NoticeId | null> {
  try {
    const notice = readStatement(noticeStatement, jws)
    const key = parts.store.serverKeys.find(notice.kid)?.jwk ?? null
    const genuine = key !== null && (await verifyStatement(notice, key))
    return genuine && noticeIsLive(notice.payload, parts.client.origin, parts.now()) ? notice.payload.id : null
  } catch (error) {
    if (error instanceof KeyferryError) return null
    throw error
  }
}

/**
 * A notice is a hint: this device calls back to its own origin and believes the signed answer only. `null` for one that the server does
 * not know.
 */
export async function callBack(parts: AgentParts, id: NoticeId): Promise<NoticeFacts | null> {
  try {
    const answer = await parts.client.call({ method: 'GET', path: `/v1/notices/${id}` })
    const { type, delivery = null, enrolment = null } = answer.json(NoticeShape)
    return { id, type, delivery, enrolment }
  } catch (error) {
    // A forgotten notice is worth nothing; no network is thrown on.
    if (error instanceof KeyferryError) return null
    throw error
  }
}

/** Genuine notices that were dealt with lately: sending is at least once, and receivers drop repeats (PROTOCOL 12). */
export interface RecentNotices {
  has(jws: string): boolean
  add(id: NoticeId): void
}

export function recentNotices(): RecentNotices {
  const ids = new Set<NoticeId>()
  return {
    has(jws) {
      const id = noticeId(jws)
      return id !== null && ids.has(id)
    },
    add(id) {
      ids.add(id)
      const [oldest] = ids
      if (ids.size > MAX_RECENT && oldest !== undefined) ids.delete(oldest)
    },
  }
}

const MAX_RECENT = 1000

/** The id by which a notice is acknowledged, even one that is ignored; null if it cannot be read. */
export function noticeId(jws: string): NoticeId | null {
  try {
    return readStatement(noticeStatement, jws).payload.id
  } catch {
    return null
  }
}

/** Events of `GET /v1/inbox/stream` as JWS; ends when the stream does. Comments keep it alive and are passed over. */
export async function* streamInbox(parts: AgentParts, signal: AbortSignal): AsyncGenerator<string> {
  const chunks = await parts.client.stream({
    method: 'GET',
    path: '/v1/inbox/stream',
    headers: { accept: 'text/event-stream' },
    signal,
  })
  let rest = ''
  for await (const chunk of chunks) {
    rest += fromUtf8(chunk)
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''
    if (rest.length > MAX_EVENT_CHARACTERS) return
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data:'))
      if (data !== undefined) yield data.slice('data:'.length).trim()
    }
  }
}

const MAX_EVENT_CHARACTERS = 65_536
