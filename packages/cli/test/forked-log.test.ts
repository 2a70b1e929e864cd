import {
  type Agent,
  type AgentEvent,
  agent,
  type HttpRequest,
  type KeyRecord,
  type OpenDevice,
  startTransfer,
} from '@keyferry/device'
import { utf8 } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addKey } from '../src/device/add-key.ts'
import { anEnrolmentWorld, type EnrolmentWorld, pair } from './enrolment-world.ts'
import type { Lies } from './lying-server.ts'

let world: EnrolmentWorld
let lies: Lies
let laptop: OpenDevice
let phone: OpenDevice
let running: Agent
let events: AgentEvent[]
/** A target that has relied on the log, before a server whose next proofs do not fit what it relied on. */
beforeEach(async () => {
  world = await anEnrolmentWorld()
  lies = {}
  laptop = await world.first('marta')
  const newcomer = await world.profile(lies)
  await pair(laptop, newcomer)
  phone = await world.open(newcomer)
  events = []
  running = agentOf(phone, (event) => events.push(event))
  await sends(1)
  await running.once()
  events.length = 0
  lies.change = ({ url }, json) => (url.includes('/key-transfer-info') ? { ...json, consistency: [] } : undefined)
})
afterEach(() => world.close())

function agentOf(open: OpenDevice, report: (event: AgentEvent) => void): Agent {
  return agent({ ...open, report, install: { place: async () => null } })
}

async function sends(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const octets = utf8('a secret of exactly forty octets, no more.')
    const known: KeyRecord | undefined = laptop.store.keys.list()[0]
    const facts = { type: 'secret', octets, label: 'backup', class: 'user', auto: true, file: null } as const
    await startTransfer(laptop, {
      record: known ?? (await addKey(laptop, facts)),
      targets: [{ device: phone.device.signer.id, username: null }],
      confirmed: true,
      deadline: laptop.now() + 3600,
      redelivery: known !== undefined,
    })
  }
  await agentOf(laptop, () => {}).once()
}

const isReport = ({ url }: HttpRequest): boolean => url.endsWith('/v1/log/reports')

describe('two signed notes that do not fit', () => {
  it('are both kept and both reported, and stop all transfers at once', async () => {
    const reported: string[] = []
    lies.drop = (request) => {
      if (isReport(request)) reported.push(Buffer.from(request.content ?? []).toString())
      return false
    }
    const mine = phone.store.seen.state().checkpoint?.note
    await sends(2)
    await expect(running.once()).rejects.toMatchObject({ code: 'log-inconsistent' })
    const [alarm, ...others] = phone.store.alarms.open()
    expect(alarm).toMatchObject({ reason: 'log-inconsistent', subject: 'https://keys.example' })
    expect(others).toEqual([])
    const facts = alarm?.facts as { mine: string; shown: string }
    expect(facts.mine).toBe(mine)
    expect(facts.shown).toContain('keys.example/log\n')
    expect(reported).toEqual([facts.mine, facts.shown])
    expect(events.filter(({ kind }) => kind === 'refused')).toHaveLength(1)
  })

  it('are kept although the server cannot be told', async () => {
    lies.drop = isReport
    await sends(1)
    await running.once()
    const facts = { mine: expect.any(String), shown: expect.any(String) }
    expect(phone.store.alarms.open()).toMatchObject([{ facts }])
    await expect(running.once()).rejects.toMatchObject({ code: 'log-inconsistent' })
  })
})

it('lets transfers go on after a delivery was rejected for a checkpoint that nobody signed', async () => {
  delete lies.change
  const facts = { attempt: 1, why: 'the log did not only grow' }
  phone.store.alarms.raise({ reason: 'log-inconsistent', subject: 'dl_1', facts, at: phone.now() })
  await sends(1)
  await running.once()
  expect(events.map(({ kind }) => kind)).toContain('installed')
})
