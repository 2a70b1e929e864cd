import type { KeyferryError, Ref, Trust } from '@keyferry/protocol'
import { aUser, exampleSigner, NOW, ORIGIN } from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Learned, Pin, SeenUser } from '../../trust/trust-state.ts'
import type { DeviceStore } from '../device-store.ts'
import { memoryDeviceStore } from './open-device-store.ts'

const marta = aUser('marta')
const luis = aUser('luis')
const phone = exampleSigner('marta phone')
const ref = (name: string): Ref => exampleSigner(name).id
const withCode = (code: KeyferryError['code']): unknown => expect.objectContaining({ code })

const TRUST: Trust = { cas: [], witnesses: [], quorum: 0, log: 'keys.example/log+1+A' }
const CHECKPOINT = { note: 'one', size: 10, root: 'r10' }

function seenUser(members: Partial<SeenUser> = {}): SeenUser {
  return { user: luis.id, seq: 2, ref: ref('set 2'), handovers: [], root: luis.id, hadTrust: false, ...members }
}
function learned(members: Partial<Learned> = {}): Learned {
  return { users: [], devices: [], names: [], pins: [], checkpoint: CHECKPOINT, trust: null, ...members }
}
function tofu(members: Partial<Pin> = {}): Pin {
  return { user: luis.id, username: 'luis', root: null, how: 'tofu', since: NOW, ...members }
}

let store: DeviceStore
beforeEach(() => {
  store = memoryDeviceStore()
  store.identity.put({
    origin: ORIGIN,
    user: marta.id,
    username: 'marta',
    device: phone.id,
    kind: 'software',
    label: 'phone',
    joinedAt: NOW,
  })
  store.anchors.put(TRUST)
})

describe('what a device has seen', () => {
  it('is not there before the device has joined', () => {
    expect(() => memoryDeviceStore().seen.state()).toThrow(expect.objectContaining({ code: 'profile-absent' }))
  })

  it('begins with who it is and what it trusts', () => {
    const state = store.seen.state()
    expect(state).toMatchObject({ origin: ORIGIN, user: marta.id, device: phone.id, username: 'marta', trust: TRUST })
    expect([state.checkpoint, state.seenUser(luis.id), state.pin(luis.id)]).toEqual([null, null, null])
  })

  it('is stored together, and read as of one moment', () => {
    const before = store.seen.state()
    const device = { device: phone.id, seq: 3, ref: ref('statement 3') }
    const name = { ca: ref('ca'), username: 'luis', user: luis.id, ref: ref('certificate') }
    const trust = { ...TRUST, quorum: 1, witnesses: ['w+1+A'] }
    const all = learned({ users: [seenUser()], devices: [device], names: [name], pins: [tofu()], trust })
    store.seen.commit(before, all, new Map([[ref('set 2'), 'the.set.2']]))
    expect([before.seenUser(luis.id), before.checkpoint]).toEqual([null, null])
    const after = store.seen.state()
    expect(after.seenUser(luis.id)).toEqual(seenUser())
    expect(after.seenDevice(phone.id)).toEqual(device)
    expect(after.acceptedName(ref('ca'), 'luis')).toEqual(name)
    expect([after.pin(luis.id), after.pinNamed('luis')]).toEqual([tofu(), tofu()])
    expect([after.trust, after.checkpoint]).toEqual([trust, CHECKPOINT])
    expect(store.seen.setText(luis.id)).toBe('the.set.2')
  })

  it('keeps the text of a set that is seen again without it, and not that of an older set', () => {
    store.seen.commit(store.seen.state(), learned({ users: [seenUser()] }), new Map([[ref('set 2'), 'the.set.2']]))
    store.seen.commit(store.seen.state(), learned({ users: [seenUser()] }))
    expect(store.seen.setText(luis.id)).toBe('the.set.2')
    store.seen.commit(store.seen.state(), learned({ users: [seenUser({ seq: 3, ref: ref('set 3') })] }))
    expect(store.seen.setText(luis.id)).toBeNull()
  })

  it('is not stored if the check was made against an older state', () => {
    const basis = store.seen.state()
    store.seen.commit(basis, learned({ users: [seenUser({ seq: 3, ref: ref('set 3') })] }))
    expect(() => store.seen.commit(basis, learned({ users: [seenUser()], pins: [tofu()] }))).toThrow(
      withCode('state-conflict'),
    )
    expect([store.seen.state().seenUser(luis.id)?.seq, store.pins.find(luis.id)]).toEqual([3, null])
  })

  it('is stored if another has learned the same meanwhile, or something else', () => {
    const basis = store.seen.state()
    store.seen.commit(basis, learned({ users: [seenUser()] }))
    store.seen.commit(
      basis,
      learned({ users: [seenUser()], checkpoint: { ...CHECKPOINT, note: 'with a cosignature' } }),
    )
    store.seen.commit(basis, learned({ devices: [{ device: phone.id, seq: 1, ref: ref('statement 1') }] }))
    expect(store.seen.state().seenUser(luis.id)).toEqual(seenUser())
  })

  it('is not stored over a checkpoint that the check did not compare with its own', () => {
    const basis = store.seen.state()
    store.seen.commit(basis, learned())
    const larger = learned({ checkpoint: { note: 'two', size: 20, root: 'r20' } })
    expect(() => store.seen.commit(basis, larger)).toThrow(withCode('state-conflict'))
    store.seen.commit(store.seen.state(), larger)
    expect(store.seen.state().checkpoint?.size).toBe(20)
  })

  it.each([
    ['a lower seq', { seq: 1, ref: ref('set 1') }],
    ['another set of the same seq', { ref: ref('another set 2') }],
  ])('never goes back, even if a check says so: %s', (_, members) => {
    store.seen.commit(store.seen.state(), learned({ users: [seenUser()] }))
    const back = learned({ users: [seenUser(members)] })
    expect(() => store.seen.commit(store.seen.state(), back)).toThrow(withCode('set-rollback'))
    const device = { device: phone.id, seq: 3, ref: ref('statement 3') }
    store.seen.commit(store.seen.state(), learned({ devices: [device] }))
    const older = learned({ devices: [{ ...device, seq: 2 }] })
    expect(() => store.seen.commit(store.seen.state(), older)).toThrow(withCode('statement-rollback'))
  })

  it('never loses a hand-over set, and takes no other root without one', () => {
    store.seen.commit(store.seen.state(), learned({ users: [seenUser()] }))
    const stolen = seenUser({ seq: 3, ref: ref('set 3'), root: ref('root 2') })
    expect(() => store.seen.commit(store.seen.state(), learned({ users: [stolen] }))).toThrow(withCode('set-rollback'))
    const rotated = { ...stolen, handovers: [ref('hand-over')] }
    store.seen.commit(store.seen.state(), learned({ users: [rotated] }))
    const without = seenUser({ seq: 4, ref: ref('set 4') })
    expect(() => store.seen.commit(store.seen.state(), learned({ users: [without] }))).toThrow(withCode('set-rollback'))
  })

  it('pins a name to one root, and believes no root over one that was compared', () => {
    store.pins.put(tofu({ how: 'pinned' }))
    store.pins.put(tofu())
    expect(store.pins.find(luis.id)?.how).toBe('pinned')
    expect(() => store.pins.put(tofu({ user: marta.id }))).toThrow(withCode('pin-conflict'))
  })

  it('starts a new checkpoint with a new log', () => {
    store.seen.commit(store.seen.state(), learned())
    store.anchors.put({ ...TRUST, quorum: 1 })
    expect(store.seen.state().checkpoint).toEqual(CHECKPOINT)
    store.anchors.put({ ...TRUST, log: 'keys.example/log+2+A' })
    expect(store.seen.state().checkpoint).toBeNull()
    const moved = { ...TRUST, log: 'keys.example/log+3+A' }
    store.seen.commit(store.seen.state(), learned({ trust: moved }))
    expect(store.seen.state()).toMatchObject({ trust: moved, checkpoint: CHECKPOINT })
  })
})

describe('the identity of a device', () => {
  it('never becomes another, but its label may change', () => {
    const me = store.identity.find()
    if (me === null) throw new Error('it has joined')
    store.identity.put({ ...me, label: 'my phone' })
    expect(store.identity.find()?.label).toBe('my phone')
    for (const other of [{ user: luis.id }, { origin: 'https://other.example' }, { device: luis.id }]) {
      expect(() => store.identity.put({ ...me, ...other })).toThrow(withCode('state-conflict'))
    }
  })
})
