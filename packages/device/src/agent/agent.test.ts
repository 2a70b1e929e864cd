import { fitShape, KeyferryError } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Client } from '../client/client.ts'
import { UnreachableError } from '../client/transport.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import { agent } from './agent.ts'
import type { AgentEvent, AgentParts } from './parts.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** An agent that has nothing to do, before a server that is there or is not. */
function idleAgent(network: { up: boolean }): { events: AgentEvent[]; stop: () => Promise<void>; calls: () => number } {
  const events: AgentEvent[] = []
  const stopping = new AbortController()
  let calls = 0
  const client: Client = {
    origin: 'https://keys.example',
    async call() {
      calls++
      if (!network.up) throw new UnreachableError('nobody listens there')
      const json = { items: [], notices: {}, more: false }
      return {
        status: 200,
        content: new Uint8Array(),
        header: () => undefined,
        json: (shape) => fitShape(shape, json, 'response-invalid'),
      }
    },
    async stream({ signal }) {
      if (!network.up) throw new UnreachableError('nobody listens there')
      return breaking(network, signal)
    },
  }
  const parts = { store: memoryDeviceStore(), client, now: () => 1, report: (event: AgentEvent) => events.push(event) }
  const running = agent(parts as unknown as AgentParts).run(stopping.signal)
  return {
    events,
    calls: () => calls,
    async stop() {
      stopping.abort()
      await vi.advanceTimersByTimeAsync(0)
      await running
    },
  }
}

/** A stream without events that breaks as soon as there is no network. */
async function* breaking(network: { up: boolean }, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  while (network.up && signal?.aborted !== true) await new Promise((resolve) => setTimeout(resolve, 100))
  if (signal?.aborted !== true) throw new UnreachableError('the connection broke off')
}

describe('an agent without network', () => {
  it('waits, longer each time, never as long as another would, and says so', async () => {
    vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValueOnce(1).mockReturnValueOnce(0.5).mockReturnValue(1)
    const { events, stop, calls } = idleAgent({ up: false })
    await vi.advanceTimersByTimeAsync(0)
    expect(events).toEqual([{ kind: 'unreachable', why: 'nobody listens there', againInSeconds: 1 }])
    await vi.advanceTimersByTimeAsync(499)
    expect(calls()).toBe(1)
    await vi.advanceTimersByTimeAsync(1) // half of 1 s
    expect(calls()).toBe(2)
    await vi.advanceTimersByTimeAsync(2000) // all of 2 s
    expect(calls()).toBe(3)
    await vi.advanceTimersByTimeAsync(3000) // three quarters of 4 s
    expect(calls()).toBe(4)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(events.every(({ kind }) => kind === 'unreachable')).toBe(true)
    expect(events.at(-1)).toMatchObject({ againInSeconds: 300 })
    await stop()
  })

  it('goes on when it is back, and waits but a moment when it goes away once more', async () => {
    const network = { up: false }
    const { events, stop } = idleAgent(network)
    await vi.advanceTimersByTimeAsync(60_000)
    const before = events.length
    network.up = true
    await vi.advanceTimersByTimeAsync(64_000)
    expect(events.slice(before)).toEqual([{ kind: 'connected' }])
    network.up = false
    await vi.advanceTimersByTimeAsync(100)
    expect(events.at(-1)).toMatchObject({ kind: 'unreachable', againInSeconds: 1 })
    await stop()
  })
})

it('looks at everything every two minutes, is connected once for all of them, and waits for no time that is over', async () => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
    const over = new AbortController()
    setTimeout(() => over.abort(), milliseconds)
    return over.signal
  })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const { events, stop, calls } = idleAgent({ up: true })
  await vi.advanceTimersByTimeAsync(60_000)
  const ofOnePass = calls()
  await vi.advanceTimersByTimeAsync(240_000)
  const stopped = stop()
  await vi.advanceTimersByTimeAsync(100) // the stream looks at its signal
  await stopped
  expect(calls()).toBe(3 * ofOnePass)
  expect(events).toEqual([{ kind: 'connected' }])
  expect(timers.mock.calls.filter(([, milliseconds = 0]) => milliseconds < 0)).toEqual([])
})

it('ends when its device was revoked, and not when it is suspended', async () => {
  const events: AgentEvent[] = []
  const stopping = new AbortController()
  const answers = ['device-suspended', 'device-revoked'] as const
  let calls = 0
  const parts = {
    store: memoryDeviceStore(),
    client: { call: async () => Promise.reject(new KeyferryError(answers[calls++] ?? 'malformed', 'so it is')) },
    now: () => 1,
    report: (event: AgentEvent) => events.push(event),
  }
  const running = agent(parts as unknown as AgentParts).run(stopping.signal)
  const ended = expect(running).rejects.toMatchObject({ code: 'device-revoked' })
  await vi.advanceTimersByTimeAsync(5000)
  stopping.abort()
  await ended
  expect(events).toMatchObject([{ kind: 'unreachable', code: 'device-suspended' }])
})

it('ends with what it does not know', async () => {
  const parts = {
    store: memoryDeviceStore(),
    client: { call: async () => Promise.reject(new TypeError('a fault of our own')) },
    now: () => 1,
    report: () => {},
  }
  await expect(agent(parts as unknown as AgentParts).run(new AbortController().signal)).rejects.toThrow(TypeError)
})
