import { type Agent, type AgentEvent, agent, type OpenDevice, startTransfer } from '@keyferry/device'
import { type DeliveryId, utf8 } from '@keyferry/protocol'
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
let dl: DeliveryId
/** A target that has dealt with a delivery for good, at a server that still lists it: it says that it has the receipt, and has not. */
beforeEach(async () => {
  world = await anEnrolmentWorld()
  lies = {}
  laptop = await world.first('marta')
  const newcomer = await world.profile(lies)
  await pair(laptop, newcomer)
  phone = await world.open(newcomer)
  await sends()
  events = []
  running = agent({ ...phone, report: (event) => events.push(event), install: { place: async () => null } })
  lies.drop = ({ url }) => url.includes('/receipts/')
  await expect(running.once()).rejects.toThrow()
  delete lies.drop
  dl = phone.store.replay.unsent()[0]?.dl ?? ('' as DeliveryId)
  phone.store.replay.markDone(dl, 1)
  events.length = 0
})
afterEach(() => world.close())

async function sends(): Promise<void> {
  const octets = utf8('a secret of exactly forty octets, no more.')
  const facts = { type: 'secret', octets, label: 'backup', class: 'user', auto: true, file: null } as const
  const record = await addKey(laptop, facts)
  const targets = [{ device: phone.device.signer.id, username: null }]
  await startTransfer(laptop, { record, targets, confirmed: true, deadline: laptop.now() + 3600, redelivery: false })
  await agent({ ...laptop, report: () => {}, install: { place: async () => null } }).once()
}

describe('a delivery that has an outcome and is listed again', () => {
  it('gets its receipt again if it has the same envelope', async () => {
    await running.once()
    expect(events).toContainEqual({ kind: 'receipted', dl, outcome: 'installed', state: 'completed' })
    expect(phone.store.alarms.open()).toEqual([])
  })

  it('is an alarm if it has another one: nothing is installed, signed or sent', async () => {
    const shown = 'A'.repeat(43)
    lies.change = ({ url }, json) => (url.includes('/key-transfer-info') ? { ...json, envelope: shown } : undefined)
    const sent: string[] = []
    lies.drop = ({ method, url }) => method !== 'GET' && sent.push(url) > 0 && false
    await running.once()
    expect(phone.store.alarms.open()).toMatchObject([{ reason: 'replayed', subject: dl, facts: { attempt: 1, shown } }])
    expect(events).toEqual([{ kind: 'alarm', reason: 'replayed', subject: dl }])
    expect(sent.filter((url) => url.includes(dl))).toEqual([])
  })
})
