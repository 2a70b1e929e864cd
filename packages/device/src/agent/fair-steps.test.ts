import { describe, expect, it, vi } from 'vitest'
import { fairSteps } from './fair-steps.ts'

const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const itself = (name: string): string => name

describe('steps', () => {
  it('that come further are all taken', async () => {
    const step = vi.fn(async () => true)
    await fairSteps().each(named('real ', 2000), itself, step)
    expect(step).toHaveBeenCalledTimes(2000)
  })

  it('that lead nowhere are taken 500 at a time, and the next time come last', async () => {
    const steps = fairSteps()
    const taken: string[] = []
    const step = async (name: string): Promise<boolean> => taken.push(name) > 0 && name.startsWith('real')
    const listed = [...named('invented ', 600), 'real']
    await steps.each(listed, itself, step)
    expect(taken).toEqual(named('invented ', 500))
    taken.length = 0
    await steps.each(listed, itself, step)
    expect(taken.slice(0, 101)).toEqual([...named('invented ', 600).slice(500), 'real'])
    expect(taken.slice(101)).toEqual(named('invented ', 400))
  })

  it('that lead nowhere slowly are taken for 20 s', async () => {
    vi.useFakeTimers()
    const step = vi.fn(async () => vi.setSystemTime(Date.now() + 5000) === undefined)
    await fairSteps().each(named('slow ', 10), itself, step)
    expect(step).toHaveBeenCalledTimes(4)
    vi.useRealTimers()
  })
})
