import { type ReceiptPayload, readEnvelope, utf8 } from '@keyferry/protocol'
import { aReceipt, NOW, type TestDevice } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { aTargetQuestion, aTrustWorld, type TrustWorld } from '../../test/trust-world.ts'
import type { DeviceStore } from '../store/device-store.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import type { TargetQuestion } from '../trust/target-checks.ts'
import type { AgentEvent, AgentParts } from './parts.ts'
import { finishStep } from './receipts.ts'

let world: TrustWorld
let question: TargetQuestion
let store: DeviceStore
let events: AgentEvent[]
/** The phone of luis has sent an envelope. */
beforeEach(async () => {
  world = await aTrustWorld()
  question = await aTargetQuestion(world)
  const { envelopeOctets: octets, asked: dl } = question
  store = memoryDeviceStore()
  store.envelopes.put({ dl, attempt: 1, ref: readEnvelope(octets).ref, octets, grant: null, at: NOW })
  store.receipts.await(dl, 1, NOW + 60)
  events = []
})

/** The server says that this delivery has ended so, and shows this receipt and target. */
async function finish(receipt: string | null, { target = world.target, state = 'completed' } = {}): Promise<void> {
  const client = {
    async call({ path }: { path: string }) {
      const json = { attempt: 1, state, target: world.target.id }
      const text = path.includes('/receipts/') ? (receipt ?? '') : target.statement.text
      return { content: utf8(text), json: () => json }
    },
  }
  const report = (event: AgentEvent): number => events.push(event)
  await finishStep({ store, client, now: () => NOW, report } as unknown as AgentParts, question.asked)
}

async function receiptOf(members: Partial<ReceiptPayload> = {}, signer: TestDevice = world.target): Promise<string> {
  const { kti, order, ref } = readEnvelope(question.envelopeOctets)
  const { tr, dl, attempt, key } = kti
  const facts = { tr, dl, attempt, order: order.ref, envelope: ref, key: { id: key.id, generation: key.generation } }
  return (await aReceipt(signer, { ...facts, ...members })).text
}

const kept = (): string | null => store.receipts.find(question.asked, 1)?.text ?? null
const problem = (): unknown => events.find(({ kind }) => kind === 'problem')

describe('the receipt of a delivery (9.3 end)', () => {
  it('is kept if the target signed it for the envelope made here', async () => {
    const receipt = await receiptOf()
    await finish(receipt)
    expect(kept()).toBe(receipt)
    expect(problem()).toBeUndefined()
  })

  it.each<[string, Partial<ReceiptPayload>]>([
    ['another attempt', { attempt: 2 }],
    ['another envelope', { envelope: 'A'.repeat(43) as ReceiptPayload['envelope'] }],
    ['another order', { order: 'A'.repeat(43) as NonNullable<ReceiptPayload['order']> }],
    ['another origin', { origin: 'https://other.example' }],
  ])('is absent if it is for %s', async (_, members) => {
    await finish(await receiptOf(members))
    expect(kept()).toBeNull()
    expect(problem()).toMatchObject({ code: 'receipt-invalid' })
  })

  it('is absent if another device signed it, also in the name of the target', async () => {
    const { source, target } = world
    await finish(await receiptOf({}, source))
    await finish(await receiptOf({}, { ...target, signer: { ...source.signer, id: target.id } }))
    // And if the server shows a statement that lends its key to the target.
    await finish(await receiptOf({}, source), { target: source })
    expect(kept()).toBeNull()
    expect(events.filter(({ kind }) => kind === 'problem')).toHaveLength(3)
  })

  it('is an alarm if it is a second one', async () => {
    await finish(await receiptOf())
    await finish(await receiptOf({ iat: NOW + 1 }))
    expect(store.alarms.open()).toMatchObject([{ reason: 'receipt-different', subject: question.asked }])
  })
})
