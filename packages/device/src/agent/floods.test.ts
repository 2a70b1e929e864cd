import {
  fitShape,
  KeyferryError,
  makeId,
  makeKeyId,
  makeNotice,
  noticeStatement,
  signStatement,
  type TransferId,
  utf8,
} from '@keyferry/protocol'
import { exampleSigner } from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Client } from '../client/client.ts'
import { UnreachableError } from '../client/transport.ts'
import type { DeviceStore } from '../store/device-store.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import { agent } from './agent.ts'
import type { AgentParts } from './parts.ts'

const NOW = 1_795_521_600

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** What a hostile server answers, by path; what it has no answer for it does not know. */
interface Flood {
  readonly answers: Readonly<Record<string, () => unknown>>
  stream?(): AsyncIterable<Uint8Array>
}

interface Flooded {
  readonly parts: AgentParts
  readonly store: DeviceStore
  readonly asked: string[]
  /** How often it was asked for something that begins so. */
  count(begin: string): number
}

function flooded({ answers, stream }: Flood): Flooded {
  const asked: string[] = []
  const store = memoryDeviceStore()
  const client: Client = {
    origin: 'https://keys.example',
    async call({ path }) {
      asked.push(path)
      vi.setSystemTime(Date.now() + 10)
      const name = Object.keys(answers).find((begin) => path.startsWith(begin))
      if (name === undefined) throw new KeyferryError('not-found', 'no such thing')
      const json = answers[name]?.()
      return {
        status: 200,
        content: new Uint8Array(),
        header: () => undefined,
        json: (shape) => fitShape(shape, json, 'response-invalid'),
      }
    },
    async stream() {
      if (stream === undefined) throw new KeyferryError('unavailable', 'no streams here')
      return stream()
    },
  }
  const parts = { store, client, now: () => NOW, report: () => {} } as unknown as AgentParts
  return { parts, store, asked, count: (begin) => asked.filter((path) => path.startsWith(begin)).length }
}

function id(number: number): Uint8Array {
  const octets = new Uint8Array(16)
  new DataView(octets.buffer).setUint32(12, number)
  return octets
}

const inventedDeliveries = (count: number): { dl: string; tr: TransferId; waitingFor: string[] }[] =>
  Array.from({ length: count }, (_, i) => ({ dl: makeId('dl', id(i)), tr: makeId('tr', id(i)), waitingFor: [] }))
const noneListed = { '/v1/deliveries?': () => ({ items: [] }) }
const noNotices = { '/v1/inbox/poll': () => ({ notices: {}, more: false }) }

describe('a server without end', () => {
  it('in its inbox is read for so many rounds, 100 notices of each', async () => {
    const notices = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`nt_${i}`, `no notice ${i}`]))
    const { parts, count } = flooded({ answers: { ...noneListed, '/v1/inbox/poll': () => ({ notices, more: true }) } })
    await agent(parts).once()
    expect(count('/v1/inbox/poll')).toBe(20)
  })

  it('of deliveries that are none is asked for 500 of them at a time, and for those that were started here first', async () => {
    const items = inventedDeliveries(4000)
    let page = 0
    const answers = {
      ...noNotices,
      '/v1/deliveries?role=source': () => ({ items: [] }),
      '/v1/deliveries?role=target': () => {
        const from = (page++ % 20) * 200
        return { items: items.slice(from, from + 200), ...(from < 3800 ? { next: 'more' } : {}) }
      },
    }
    const { parts, store, asked, count } = flooded({ answers })
    store.started.put({
      idempotencyKey: 'k1',
      request: '{}',
      tr: items[3999]?.tr ?? null,
      key: makeKeyId(exampleSigner('marta').id, id(1)),
      class: 'shared',
      targets: [],
      nonce: null,
      confirmed: true,
      at: NOW,
      deadline: NOW + 3600,
    })
    await agent(parts).once()
    expect(count('/v1/deliveries/')).toBe(1000) // both times that a pass looks at all
    expect(asked.find((path) => path.startsWith('/v1/deliveries/'))).toContain(items[3999]?.dl)
  })

  it('of pages is asked for so many', async () => {
    const items = inventedDeliveries(1)
    const answers = {
      ...noNotices,
      '/v1/deliveries?role=target': () => ({ items, next: 'more' }),
      ...noneListed,
    }
    const { parts, count } = flooded({ answers })
    await agent(parts).once()
    expect(count('/v1/deliveries?')).toBe(102) // 50 of them and one of none, twice
  })

  it('of notices in a stream does not keep the device from looking at what is listed', async () => {
    const event = utf8('data: no notice\n\n'.repeat(300))
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (;;) yield event
    }
    const { parts, count } = flooded({ answers: { ...noneListed, ...noNotices }, stream })
    const stopping = new AbortController()
    const running = agent(parts).run(stopping.signal)
    await vi.advanceTimersByTimeAsync(10_000)
    stopping.abort()
    await vi.advanceTimersByTimeAsync(3000)
    await running
    expect(count('/v1/deliveries?role=source')).toBeGreaterThan(4)
    expect(count('/v1/deliveries?role=source')).toBeLessThan(20)
  })

  it('lists what another party is to order, which a source leaves alone', async () => {
    const [item] = inventedDeliveries(1)
    const listed = { items: [{ ...item, waitingFor: ['order'] }] }
    const { parts, count } = flooded({
      answers: { ...noNotices, '/v1/deliveries?role=source': () => listed, ...noneListed },
    })
    await agent(parts).once()
    expect(count('/v1/deliveries/')).toBe(0)
  })

  it('of nonsense is no fault of this program', async () => {
    const answers = { ...noNotices, '/v1/deliveries?': () => ({ items: [null, { dl: '../users' }] }) }
    await expect(agent(flooded({ answers }).parts).once()).rejects.toMatchObject({ code: 'response-invalid' })
  })
})

const server = exampleSigner('server')

async function aNotice(number: number, expiresAt = NOW + 3600, signer = server): Promise<string> {
  const facts = { origin: 'https://keys.example', type: 'keyferry.wake.v1', time: NOW, expiresAt } as const
  return (await signStatement(noticeStatement, signer, makeNotice({ id: makeId('nt', id(number)), ...facts }))).text
}

describe('a notice that comes again', () => {
  const facts = { '/v1/notices/': () => ({ type: 'keyferry.wake.v1', links: {} }) }

  it('is called back for once, and acknowledged each time', async () => {
    const notice = await aNotice(1)
    const poll = { '/v1/inbox/poll': () => ({ notices: { nt_1: notice }, more: true }) }
    const { parts, store, count } = flooded({ answers: { ...noneListed, ...facts, ...poll } })
    store.serverKeys.put({ id: server.id, jwk: server.jwk, since: NOW })
    const running = agent(parts)
    await running.once()
    await running.once()
    expect(count('/v1/notices/')).toBe(1)
  })

  it('is not called back for after it has expired, nor if no server key of the trust file signed it', async () => {
    const notice = await aNotice(1, NOW)
    const other = await aNotice(2)
    const forged = await aNotice(3, NOW + 3600, { ...exampleSigner('other server'), id: server.id })
    const poll = { '/v1/inbox/poll': () => ({ notices: { nt_1: notice, nt_2: other, nt_3: forged }, more: true }) }
    const { parts, store, count } = flooded({ answers: { ...noneListed, ...facts, ...poll } })
    await agent(parts).once()
    expect(count('/v1/notices/')).toBe(0)
    store.serverKeys.put({ id: server.id, jwk: server.jwk, since: NOW })
    await agent(parts).once()
    expect(count('/v1/notices/')).toBe(1)
  })

  it('is dropped in a stream too, where others are heard', async () => {
    const again = await aNotice(1)
    const event = (jws: string): string => `data: ${jws}\n\n`
    const other = await aNotice(2)
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield utf8(event(again).repeat(20) + event(other))
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    }
    const { parts, store, count } = flooded({ answers: { ...noneListed, ...noNotices, ...facts }, stream })
    store.serverKeys.put({ id: server.id, jwk: server.jwk, since: NOW })
    const stopping = new AbortController()
    const running = agent(parts).run(stopping.signal)
    await vi.advanceTimersByTimeAsync(10_000)
    stopping.abort()
    await vi.advanceTimersByTimeAsync(60_000)
    await running
    expect(count('/v1/notices/')).toBe(2)
  })

  it('is called back for again if there was no answer', async () => {
    const notice = await aNotice(1)
    let isUp = false
    const call = (): unknown => {
      if (!isUp) throw new UnreachableError('nobody listens there')
      return { type: 'keyferry.wake.v1', links: {} }
    }
    const poll = { '/v1/inbox/poll': () => ({ notices: { nt_1: notice }, more: true }) }
    const { parts, store, count } = flooded({ answers: { ...noneListed, '/v1/notices/': call, ...poll } })
    store.serverKeys.put({ id: server.id, jwk: server.jwk, since: NOW })
    const running = agent(parts)
    await expect(running.once()).rejects.toThrow(UnreachableError)
    isUp = true
    await running.once()
    expect(count('/v1/notices/')).toBe(2)
  })
})
