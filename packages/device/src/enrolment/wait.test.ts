import { type EnrolmentId, KeyferryError } from '@keyferry/protocol'
import { fakeClock } from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import type { Answer, Call, Client } from '../client/client.ts'
import { UnreachableError } from '../client/transport.ts'
import { persistent } from './persistent.ts'
import { waitForState } from './wait.ts'

const EN = 'en_2ck0frzqa7em6qn7679ps32h78' as EnrolmentId

/** Shows one state after the other, the last one for ever. */
function showing(clock: ReturnType<typeof fakeClock>, states: readonly string[]): { client: Client; calls: Call[] } {
  const calls: Call[] = []
  const client = {
    async call(call: Call): Promise<Answer> {
      const state = states[Math.min(calls.push(call), states.length) - 1]
      clock.advance(20)
      const shown = { status: state === '304' ? 304 : 200, header: () => `"${calls.length}"`, json: () => ({ state }) }
      return shown as unknown as Answer
    },
  } as Client
  return { client, calls }
}

function waiting(clock: ReturnType<typeof fakeClock>): Parameters<typeof waitForState>[3] {
  return { until: clock.now() + 600, now: clock.now, denied: 'denied', pause: async () => {} }
}

describe('waiting for the other device', () => {
  it('asks at once, then lets the server hold the question, until the state is there', async () => {
    const clock = fakeClock()
    const { client, calls } = showing(clock, ['open', '304', 'claimed'])
    await expect(waitForState(client, EN, 'claimed', waiting(clock))).resolves.toMatchObject({ state: 'claimed' })
    expect(calls[0]?.waitSeconds).toBeUndefined()
    expect(calls.slice(1)).toMatchObject([
      { waitSeconds: 30, headers: { 'if-none-match': '"1"' } },
      { waitSeconds: 30 },
    ])
  })

  it('ends by the own clock, whatever the server says', async () => {
    const clock = fakeClock()
    const { client, calls } = showing(clock, ['open'])
    await expect(waitForState(client, EN, 'claimed', waiting(clock))).rejects.toMatchObject({ code: 'not-found' })
    expect(calls).toHaveLength(30)
  })

  it.each([
    ['denied', 'declined'],
    ['expired', 'not-found'],
    ['approved', 'not-found'],
  ])('ends when it is %s', async (state, code) => {
    const clock = fakeClock()
    const { client } = showing(clock, ['open', state])
    await expect(waitForState(client, EN, 'proven', waiting(clock))).rejects.toMatchObject({ code })
  })

  it('ends when its human stops it', async () => {
    const clock = fakeClock()
    const { client } = showing(clock, ['open'])
    const options = { ...waiting(clock), signal: AbortSignal.abort() }
    await expect(waitForState(client, EN, 'claimed', options)).rejects.toMatchObject({ code: 'declined' })
  })
})

describe('a step that got no answer', () => {
  it.each([
    ['was not reached', new UnreachableError('offline'), 6],
    ['is not available now', new KeyferryError('unavailable', 'later'), 6],
    ['said no', new KeyferryError('not-found', 'no'), 1],
  ])('is sent again while the server %s', async (_, error, expected) => {
    let tries = 0
    const client = {
      async call() {
        tries++
        throw error
      },
    } as unknown as Client
    const call = persistent(client, async () => {}).call({ method: 'GET', path: '/' })
    await expect(call).rejects.toBe(error)
    expect(tries).toBe(expected)
  })
})
