import type { IncomingMessage } from 'node:http'
import { noticeStatement, readStatement, verifyStatement } from '@keyferry/protocol'
import { DAY_SECONDS, ORIGIN, type TestDevice } from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { noticeRow } from '../src/notices/make-notice.ts'
import { anHttpWorld, type Call, call, type HttpWorld, openStream, SERVER } from './http-world.ts'
import { aDeliveryRow, putDeliveries } from './world.ts'

let world: HttpWorld
beforeEach(async () => {
  world = await anHttpWorld()
  const { phone } = world
  const all = await poll(phone, {})
  await poll(phone, { ack: Object.keys(all.notices) })
})
afterEach(() => world.close())

async function notify(device: TestDevice, type: 'wake' | 'source-requested' = 'wake', dl = null): Promise<string> {
  const row = noticeRow({
    random: world.context.random.octets(16),
    type,
    recipient: device.id,
    delivery: dl,
    now: world.clock.now(),
    expiresAt: world.clock.now() + DAY_SECONDS,
  })
  await world.context.commit([{ kind: 'insert-notice', row }])
  return row.id
}

async function poll(
  device: TestDevice,
  body: object,
  headers: Record<string, string> = {},
): Promise<{ notices: Record<string, string>; more: boolean }> {
  return (await call(world, { signer: device.signer, path: '/v1/inbox/poll', body, headers })).json
}

describe('polling the inbox', () => {
  it('repeats a notice until it is acknowledged', async () => {
    const id = await notify(world.phone)
    const first = await poll(world.phone, {})
    expect(Object.keys(first.notices)).toEqual([id])
    expect(await poll(world.phone, {})).toEqual(first)
    expect(await poll(world.phone, { ack: [id] })).toEqual({ notices: {}, more: false })
  })

  it('hands out notices that the server signed and that name nobody', async () => {
    const id = await notify(world.phone)
    const text = (await poll(world.phone, {})).notices[id] ?? ''
    const notice = readStatement(noticeStatement, text)
    expect(await verifyStatement(notice, SERVER.jwk)).toBe(true)
    expect(notice.payload).toEqual({
      specversion: '1.0',
      id,
      source: ORIGIN,
      type: 'keyferry.wake.v1',
      time: '2026-11-24T12:00:00Z',
      expirytime: '2026-11-25T12:00:00Z',
      datacontenttype: 'application/json',
      data: { reason: 'connect', callback: `${ORIGIN}/v1/notices/${id}` },
    })
  })

  it('hands out as many as were asked for, oldest first', async () => {
    const ids = [await notify(world.phone), await notify(world.phone), await notify(world.phone)]
    const two = await poll(world.phone, { max: 2 })
    expect([Object.keys(two.notices), two.more]).toEqual([ids.slice(0, 2), true])
    const rest = await poll(world.phone, { max: 2, ack: ids.slice(0, 2) })
    expect([Object.keys(rest.notices), rest.more]).toEqual([ids.slice(2), false])
  })

  it('acknowledges only what is one’s own', async () => {
    const id = await notify(world.phone)
    await poll(world.tablet, { ack: [id] })
    expect(Object.keys((await poll(world.phone, {})).notices)).toEqual([id])
  })

  it('waits for the next notice', async () => {
    const waiting = poll(world.phone, {}, { prefer: 'wait=30' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const id = await notify(world.phone)
    expect(Object.keys((await waiting).notices)).toEqual([id])
    expect(world.wakeups.topics).toBe(0)
  })
})

describe('the call-back of a notice', () => {
  it('is for its recipient only, and leaves it in the inbox', async () => {
    const row = aDeliveryRow(world.phone, world.tablet)
    await putDeliveries(world, row)
    const id = await notify(world.phone, 'source-requested', row.dl as never)
    const own = await call(world, { signer: world.phone.signer, path: `/v1/notices/${id}` })
    expect(own.json).toEqual({
      id,
      type: 'keyferry.source-requested.v1',
      state: 'released',
      delivery: row.dl,
      role: 'source',
      links: { delivery: `${ORIGIN}/v1/deliveries/${row.dl}` },
    })
    const other = await call(world, { signer: world.tablet.signer, path: `/v1/notices/${id}` })
    expect(other.json.code).toBe('not-found')
    expect(Object.keys((await poll(world.phone, {})).notices)).toEqual([id])
    world.clock.advance(DAY_SECONDS)
    const late = await call(world, { signer: world.phone.signer, path: `/v1/notices/${id}` })
    expect(late.json.code).toBe('not-found')
  })
})

describe('the stream', () => {
  const stream = (headers: Record<string, string> = {}): Call => ({
    signer: world.phone.access,
    path: '/v1/inbox/stream',
    headers,
  })

  it('brings what waits, then what comes, and resumes after the last event seen', async () => {
    const first = await notify(world.phone)
    const response = await openStream(world, stream())
    expect(response.headers['content-type']).toBe('text/event-stream')
    const events = eventsOf(response)
    const one = await events.next()
    expect(noticeId(one)).toBe(first)
    const second = await notify(world.phone)
    const two = await events.next()
    expect(noticeId(two)).toBe(second)
    response.destroy()

    const resumed = await openStream(world, stream({ 'last-event-id': one.id }))
    expect(noticeId(await eventsOf(resumed).next())).toBe(second)
    resumed.destroy()
  })

  it('takes no Last-Event-ID that is none of ours', async () => {
    expect((await call(world, stream({ 'last-event-id': 'x' }))).json.code).toBe('malformed')
  })

  it('ends when the request that opened it proves nothing any more', async () => {
    const response = await openStream(world, stream())
    const events = eventsOf(response)
    await notify(world.phone)
    await events.next()
    world.clock.advance(899)
    await notify(world.phone)
    await events.next()
    world.clock.advance(1)
    await notify(world.phone)
    expect(await events.ended()).toBe(true)
    expect(world.wakeups.topics).toBe(0)
  })

  it('is one of four at most, and frees its place when it is closed', async () => {
    const four = [await openStream(world, stream())]
    for (let i = 1; i < 4; i++) four.push(await openStream(world, stream()))
    const fifth = await call(world, stream())
    expect([fifth.json.code, fifth.headers['retry-after']]).toEqual(['too-many-requests', '60'])
    for (const response of four) response.destroy()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(world.wakeups.topics).toBe(0)
    const again = await openStream(world, stream())
    again.destroy()
  })

  it('ends when the server stops', async () => {
    const response = await openStream(world, stream())
    const ended = eventsOf(response).ended()
    await world.close()
    expect(await ended).toBe(true)
  })
})

interface ServerEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

function noticeId(event: ServerEvent): string {
  expect(event.event).toBe('notice')
  return readStatement(noticeStatement, event.data).payload.id
}

/** Server-sent events by their lines; comments are left away. */
function eventsOf(response: IncomingMessage): { next(): Promise<ServerEvent>; ended(): Promise<boolean> } {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let text = ''
  async function block(): Promise<string | null> {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end !== -1) {
        const found = text.slice(0, end)
        text = text.slice(end + 2)
        if (!found.startsWith(':')) return found
        continue
      }
      const chunk = await chunks.next()
      if (chunk.done === true) return null
      text += chunk.value.toString()
    }
  }
  return {
    async next() {
      const found = await block()
      if (found === null) throw new Error('the stream has ended')
      const fields = Object.fromEntries(found.split('\n').map((line) => line.split(/: (.*)/s, 2)))
      return fields as unknown as ServerEvent
    },
    ended: async () => (await block()) === null,
  }
}
