import { idShape } from '@keyferry/protocol'
import * as z from 'zod'
import { NoticeViewShape, readNotice } from '../../notices/read-notice.ts'
import type { Routes } from '../parts.ts'
import { answers } from './answers.ts'

/** The call-back of a notice (PROTOCOL 12). */
export const noticeRoutes: Routes = (app, { context }) => {
  app.get(
    '/v1/notices/:nt',
    {
      schema: {
        operationId: 'getNotice',
        summary: 'What a notice is about',
        params: z.object({ nt: idShape('nt') }),
        response: answers({ 200: NoticeViewShape }),
      },
      config: { accessKey: true, callers: ['device', 'application'] },
    },
    async ({ caller, params }) => readNotice(context, caller, params.nt),
  )
}
