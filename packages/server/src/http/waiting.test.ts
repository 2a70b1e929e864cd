import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { heldRequests, waitSeconds } from './waiting.ts'

function preferring(prefer: string | undefined): FastifyRequest {
  return { raw: { headers: { prefer } } } as unknown as FastifyRequest
}

describe('Prefer', () => {
  it.each([
    [undefined, 0],
    ['wait=30', 30],
    ['respond-async, wait=5', 5],
    ['wait=5; x=y', 5],
    ['wait=600', 60],
    ['wait=0', 0],
    ['wait=', 0],
    ['wait=1.5', 0],
    ['wait=-1', 0],
    ['await=7', 0],
    ['handling=lenient', 0],
  ])('%s means %i seconds', (prefer, seconds) => {
    expect(waitSeconds(preferring(prefer))).toBe(seconds)
  })
})

describe('held requests', () => {
  const response = (): ServerResponse => new EventEmitter() as unknown as ServerResponse
  const whenAborted = (abort: AbortSignal): Promise<string> =>
    new Promise((resolve) => {
      if (abort.aborted) resolve('at once')
      abort.addEventListener('abort', () => resolve('later'))
    })

  it('are answered when their asker goes away or the server stops', async () => {
    const held = heldRequests()
    const [one, two] = [response(), response()]
    const waiting = [held.hold(one, 'a', whenAborted), held.hold(two, 'a', whenAborted)]
    one.emit('close')
    expect(await waiting[0]).toBe('later')
    held.release()
    expect(await waiting[1]).toBe('later')
    expect(await held.hold(response(), 'a', whenAborted)).toBe('at once')
  })

  it('are so many per caller, the others are answered at once', async () => {
    const held = heldRequests(2)
    const first = response()
    void held.hold(first, 'a', whenAborted)
    void held.hold(response(), 'a', whenAborted)
    expect(await held.hold(response(), 'a', whenAborted)).toBe('at once')
    const ofOther = held.hold(response(), 'b', whenAborted)
    first.emit('close')
    await new Promise(setImmediate)
    const another = held.hold(response(), 'a', whenAborted)
    held.release()
    expect([await ofOther, await another]).toEqual(['later', 'later'])
  })
})
