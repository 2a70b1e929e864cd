import { KeyferryError, makeId, type Ref } from '@keyferry/protocol'
import { NOW } from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import type { MadeEnvelope } from '../store/envelopes.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import type { AgentEvent, AgentParts } from './parts.ts'
import { sendEnvelope } from './source-step.ts'

const DL = makeId('dl', new Uint8Array(16).fill(2))
const MADE: MadeEnvelope = {
  dl: DL,
  attempt: 1,
  ref: 'r'.repeat(43) as Ref,
  octets: new Uint8Array(9),
  grant: null,
  at: NOW,
}

describe('an envelope that the server does not take', () => {
  it.each([
    ['envelope-exists', [{ reason: 'envelope-exists', subject: DL, facts: { attempt: 1, mine: MADE.ref } }]],
    ['delivery-closed', []],
  ] as const)('is not sent again after %s; that there is another one alarms', async (code, alarms) => {
    const store = memoryDeviceStore()
    store.envelopes.put(MADE)
    const events: AgentEvent[] = []
    const call = async (): Promise<never> => {
      throw new KeyferryError(code, 'no')
    }
    const parts = { store, client: { call }, now: () => NOW, report: (event: AgentEvent) => events.push(event) }
    expect(await sendEnvelope(parts as unknown as AgentParts, MADE)).toEqual({ kind: 'done' })
    expect(store.envelopes.unsent()).toEqual([])
    expect(store.alarms.open()).toMatchObject(alarms)
    expect(events.map(({ kind }) => kind)).toEqual(alarms.map(() => 'alarm'))
  })
})
