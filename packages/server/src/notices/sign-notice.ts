import { NOTICE_REASONS, type NoticePayload, noticeStatement, type Signer, signStatement } from '@keyferry/protocol'
import { boundedCache } from '../bounded-cache.ts'
import type { NoticeRow, NoticeType } from '../store/rows.ts'

/** Signs notices for whatever channel carries them. */
export interface NoticeSigner {
  /** `kf-notice+jws`, compact. The same octets as long as the notice is remembered, so repeats cost no signature. */
  sign(notice: NoticeRow): Promise<string>
}

/**
 * The CloudEvent of PROTOCOL 12: no name of anybody or anything, and an address under our own origin, which devices use only
 * because it is theirs.
 */
export function noticePayload(origin: string, notice: NoticeRow): NoticePayload {
  const type = eventType(notice.type)
  return {
    specversion: '1.0',
    id: notice.id,
    source: origin,
    type,
    time: instant(notice.createdAt),
    expirytime: instant(notice.expiresAt),
    datacontenttype: 'application/json',
    data: { reason: NOTICE_REASONS[type], callback: `${origin}/v1/notices/${notice.id}` },
  }
}

/** The CloudEvents `type` of a notice, also what its call-back shows. */
export function eventType(type: NoticeType): keyof typeof NOTICE_REASONS {
  return `keyferry.${type}.v1`
}

/** RFC 3339 in UTC, whole seconds. */
function instant(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

/** @param signerNow - who signs for the server at this moment. */
export function noticeSigner(origin: string, signerNow: () => Signer, remembered = 1024): NoticeSigner {
  const signed = boundedCache<string, Promise<string>>(remembered)
  async function make(notice: NoticeRow): Promise<string> {
    return (await signStatement(noticeStatement, signerNow(), noticePayload(origin, notice))).text
  }
  return {
    sign(notice) {
      const known = signed.get(notice.id)
      if (known !== undefined) return known
      const jws = make(notice)
      signed.set(notice.id, jws)
      jws.catch(() => signed.delete(notice.id))
      return jws
    },
  }
}
