import { describe, expect, it } from 'vitest'
import { wakeups } from './wakeups.ts'

describe('wake-ups', () => {
  it('keeps a signal that came between the read and the wait', async () => {
    const bell = wakeups()
    const listener = bell.listen('dl_1')
    bell.signal('dl_1')
    expect(await listener.next(10_000)).toBe(true)
    expect(await listener.next(1)).toBe(false)
    listener.close()
  })

  it('wakes everybody who listens to the topic and nobody else', async () => {
    const bell = wakeups()
    const [a, b, other] = [bell.listen('x'), bell.listen('x'), bell.listen('y')]
    const waiting = Promise.all([a.next(10_000), b.next(10_000), other.next(20)])
    bell.signal('x')
    expect(await waiting).toEqual([true, true, false])
    for (const listener of [a, b, other]) listener.close()
    expect(bell.topics).toBe(0)
  })

  it('ends a wait when the asker goes away, and when the listener is closed', async () => {
    const bell = wakeups()
    const gone = new AbortController()
    const listener = bell.listen('x')
    const waiting = listener.next(10_000, gone.signal)
    gone.abort()
    expect(await waiting).toBe(false)
    expect(await listener.next(10_000, gone.signal)).toBe(false)
    const again = listener.next(10_000)
    listener.close()
    listener.close()
    expect(await again).toBe(false)
    expect(bell.topics).toBe(0)
  })

  it('forgets a closed listener though others still listen', () => {
    const bell = wakeups()
    const [a, b] = [bell.listen('x'), bell.listen('x')]
    a.close()
    expect(bell.topics).toBe(1)
    b.close()
    expect(bell.topics).toBe(0)
  })
})
