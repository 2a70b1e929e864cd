import { addDevice, UnreachableError } from '@keyferry/device'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { unlessStopped } from '../src/console/unless-stopped.ts'
import { anEnrolmentWorld, type EnrolmentWorld } from './enrolment-world.ts'

let world: EnrolmentWorld
beforeEach(async () => {
  world = await anEnrolmentWorld()
})
afterEach(() => world.close())

describe('a pairing that its human stops', () => {
  it('has stopped: no server is away, and nobody refused', async () => {
    const laptop = await world.first('marta')
    const stopping = new AbortController()
    const stopped = await unlessStopped(stopping.signal, 'begin again', (signal) =>
      addDevice(laptop, { show: () => stopping.abort(), confirm: async () => true, signal }),
    ).catch((error: unknown) => error)
    expect(failureOf(stopped, 'not added')).toMatchObject({ code: 'stopped', exit: 130, hint: 'begin again' })
  })

  it('has stopped also where a request was under way', async () => {
    const stopping = new AbortController()
    const work = async (): Promise<void> => {
      stopping.abort()
      throw new UnreachableError('stopped')
    }
    await expect(unlessStopped(stopping.signal, 'begin again', work)).rejects.toMatchObject({ code: 'stopped' })
  })

  it('is another thing than one that fails by itself', async () => {
    const away = new UnreachableError('nobody listens there')
    const work = (): Promise<void> => Promise.reject(away)
    await expect(unlessStopped(new AbortController().signal, 'begin again', work)).rejects.toBe(away)
  })
})
