import { KeyferryError } from '@keyferry/protocol'
import { NOW, ORIGIN, type TestDevice } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { aPin, aTargetQuestion, aTrustWorld, type TrustWorld } from '../../test/trust-world.ts'
import type { DeviceStore } from '../store/device-store.ts'
import { memoryDeviceStore } from '../store/sqlite/open-device-store.ts'
import type { CheckedTarget, TargetQuestion } from '../trust/target-checks.ts'
import { admitOwner } from './admit-owner.ts'
import type { Consent } from './consent.ts'
import { checkCollected, unwrapChecked } from './open-envelope.ts'
import type { AgentParts } from './parts.ts'

let world: TrustWorld
let question: TargetQuestion
let store: DeviceStore
let parts: AgentParts
/** What the device says instead of opening a key. */
let failure: Error

function joined(device: TestDevice): DeviceStore {
  const { id, user, statement } = device
  const joining = memoryDeviceStore()
  const { username } = user
  joining.identity.put({
    origin: ORIGIN,
    user: user.id,
    username,
    device: id,
    kind: 'software',
    label: device.name,
    joinedAt: NOW,
  })
  joining.anchors.put({ cas: [], witnesses: [], quorum: 0, log: world.log.vkey })
  const { ref, text } = statement
  joining.ownStatements.put({ typ: 'kf-device+jwt', seq: 1, ref, text, at: NOW })
  return joining
}

/** Marta's phone has an envelope of luis, whom she pinned. */
beforeEach(async () => {
  world = await aTrustWorld()
  question = await aTargetQuestion(world)
  const { target, log, luis } = world
  store = joined(target)
  store.pins.put(aPin(luis))
  failure = new KeyferryError('unwrap-failed', 'the wrapped key cannot be opened')
  const unwrapKey = (): Promise<never> => Promise.reject(failure)
  const client = {
    /** Answers consistency proofs. */
    async call({ path }: { path: string }) {
      const [, from, to] = /from=(\d+)&to=(\d+)$/.exec(path) ?? []
      return { json: () => ({ path: log.consistency(Number(from), Number(to)) }) }
    },
  }
  parts = { store, device: { unwrapKey }, client, now: () => NOW, report: () => {} } as unknown as AgentParts
})

const dl = (): TargetQuestion['asked'] => question.asked
const admit = (): Promise<Consent> => admitOwner(parts, dl(), 1, question.answer)
const check = (): Promise<CheckedTarget> =>
  checkCollected(parts, { dl: dl(), answer: question.answer, octets: question.envelopeOctets, since: 0 })

function say(answer: 'yes' | 'no'): void {
  const [open] = store.questions.open()
  if (open === undefined) throw new Error('a question was to be open')
  store.questions.decide(open, { answer, reason: null, at: NOW })
}

describe('the keys of another user (T3)', () => {
  it('are taken once the human has said yes to their owner, and not before', async () => {
    expect(await admit()).toBe('asked')
    expect(store.questions.open()).toMatchObject([{ kind: 'owner', facts: { owner: world.luis.id, username: 'luis' } }])
    await expect(check()).rejects.toMatchObject({ code: 'owner-untrusted' })
    say('yes')
    expect(await admit()).toBe('given')
    expect(await check()).toMatchObject({ owner: world.luis.id })
  })

  it('are refused if he says no', async () => {
    await admit()
    say('no')
    await expect(admit()).rejects.toMatchObject({ code: 'declined' })
  })

  it('are taken unasked by a rule that names their owner', async () => {
    store.rules.put({ owners: [world.luis.id] })
    expect(await admit()).toBe('given')
    expect(store.questions.open()).toEqual([])
    const { learned } = await check()
    expect(store.seen.state().checkpoint).toEqual(learned.checkpoint)
  })

  it('are no question if he is the own user', async () => {
    const { luis, luisSet, tablet } = world
    question = await aTargetQuestion({ ...world, marta: luis, martaSet: luisSet, target: tablet })
    parts = { ...parts, store: joined(tablet) }
    expect(await admit()).toBe('given')
    expect(await check()).toMatchObject({ owner: luis.id })
  })

  it('wait, whatever he says, as long as nothing proves who their owner is', async () => {
    store.pins.remove(world.luis.id)
    expect(await admit()).toBe('asked')
    say('yes')
    expect(await admit()).toBe('asked')
  })
})

describe('an owner whose keys cannot be opened (T9)', () => {
  const open = async (): Promise<unknown> => {
    store.rules.put({ owners: [world.luis.id] })
    return unwrapChecked(parts, await check())
  }

  it('is refused after eight times, whether or not a rule names him', async () => {
    for (let times = 0; times < 8; times++) await expect(open()).rejects.toBe(failure)
    await expect(open()).rejects.toMatchObject({ code: 'declined' })
    store.rules.put({ owners: [] })
    await expect(admit()).rejects.toMatchObject({ code: 'declined' })
    store.unwrapFailures.reset(world.luis.id)
    await expect(open()).rejects.toBe(failure)
  })

  it('is not blamed for what is a fault of this device', async () => {
    failure = new KeyferryError('store-failed', 'the disk is full')
    await expect(open()).rejects.toBe(failure)
    failure = new TypeError('a fault of our own')
    await expect(open()).rejects.toBe(failure)
    expect(store.unwrapFailures.count(world.luis.id)).toBe(0)
  })
})
