import { Readable } from 'node:stream'
import { KeyferryError } from '@keyferry/protocol'
import { inboxStream } from '../../notices/inbox-stream.ts'
import { InboxPollShape, InboxViewShape, pollInbox } from '../../notices/poll-inbox.ts'
import { recipientOf } from '../../notices/recipient.ts'
import type { Routes } from '../parts.ts'
import { header } from '../request.ts'
import { callerName, waitSeconds } from '../waiting.ts'
import { answers } from './answers.ts'

/** The inbox of a device or application (PROTOCOL 12). */
export const inboxRoutes: Routes = (app, { context, wakeups, held, notices, streams }) => {
  const inbox = { context, wakeups, signer: notices }
  app.post(
    '/v1/inbox/poll',
    {
      schema: {
        operationId: 'pollInbox',
        summary: 'Acknowledge notices and get those that wait',
        body: InboxPollShape,
        response: answers({ 200: InboxViewShape }),
      },
      config: { media: 'application/json', accessKey: true, callers: ['device', 'application'] },
    },
    async (request, reply) => {
      const { caller, body } = request
      const seconds = waitSeconds(request)
      if (seconds === 0) return pollInbox(inbox, caller, body)
      return held.hold(reply.raw, callerName(request), (abort) => pollInbox(inbox, caller, body, seconds, abort))
    },
  )

  app.get(
    '/v1/inbox/stream',
    {
      schema: { operationId: 'streamInbox', summary: 'Notices as server-sent events' },
      config: { accessKey: true, callers: ['device', 'application'] },
    },
    async (request, reply) => {
      const { caller, provedAt } = request
      const lastEventId = cursorOf(header(request, 'last-event-id'))
      const leave = streams.take(recipientOf(caller))
      const abort = held.whileOpen(reply.raw)
      reply.raw.once('close', leave)
      const events = inboxStream(inbox, { caller, provedAt, lastEventId, abort })
      return reply
        .header('content-type', 'text/event-stream')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(Readable.from(events))
    },
  )
}

/** @throws {KeyferryError} `malformed` */
function cursorOf(lastEventId: string | undefined): number | undefined {
  if (lastEventId === undefined) return undefined
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(lastEventId))
    throw new KeyferryError('malformed', 'Last-Event-ID is none of ours')
  return Number(lastEventId)
}
