import * as z from 'zod'
import type { NoticeId } from '../ids/ids.ts'
import { idShape, OriginShape, TextShape } from '../json/shapes.ts'
import type { StatementType } from './statement.ts'

/** The types of PROTOCOL 12 and the `reason` that each carries. */
export const NOTICE_REASONS = {
  'keyferry.source-requested.v1': 'key-transfer-source',
  'keyferry.target-available.v1': 'key-transfer-target',
  'keyferry.order-requested.v1': 'order',
  'keyferry.approval-requested.v1': 'approval',
  'keyferry.wake.v1': 'connect',
  'keyferry.outcome.v1': 'outcome',
  'keyferry.enrolment-claimed.v1': 'enrolment-claimed',
  'keyferry.device-changed.v1': 'device-changed',
  'keyferry.channel-check.v1': 'channel-check',
} as const
export type NoticeType = keyof typeof NOTICE_REASONS

/**
 * `kf-notice+jws`: a CloudEvent (1.0) that asks its receiver to connect; a hint without authority (PROTOCOL 12). It has no
 * `v` and no `origin`; attributes that we do not know are left away.
 */
export interface NoticePayload {
  specversion: '1.0'
  id: NoticeId
  /** The origin. */
  source: string
  type: string
  /** RFC 3339 in UTC, ending in `Z`; so is `expirytime`. */
  time: string
  expirytime: string
  datacontenttype: 'application/json'
  data: { reason: string; callback: string }
}

const InstantShape = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/)

export const NoticePayloadShape: z.ZodType<NoticePayload> = z.object({
  specversion: z.literal('1.0'),
  id: idShape('nt'),
  source: OriginShape,
  type: TextShape,
  time: InstantShape,
  expirytime: InstantShape,
  datacontenttype: z.literal('application/json'),
  data: z.object({ reason: TextShape, callback: TextShape }),
})

export const noticeStatement: StatementType<NoticePayload, 'kf-notice+jws'> = {
  typ: 'kf-notice+jws',
  shape: NoticePayloadShape,
  code: 'malformed',
}
