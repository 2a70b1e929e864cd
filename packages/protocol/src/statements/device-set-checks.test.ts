import { expect, it } from 'vitest'
import { exampleSigner, withCode } from '../../test/example-keys.ts'
import { aSet, DAY, inSet, luisRoot, luisTablet, martaPhone, NOW, ORIGIN } from '../../test/example-statements.ts'
import { thumbprint } from '../jose/jwk.ts'
import { makeVkey } from '../log/vkey.ts'
import type { DeviceSetPayload } from './device-set.ts'
import {
  checkDeviceSet,
  checkHandover,
  checkSuccessor,
  deviceIn,
  handoverRefs,
  refuseSetRollback,
  rootsOf,
} from './device-set-checks.ts'
import type { Statement } from './statement.ts'

const EXPECTED = { origin: ORIGIN, user: luisRoot.id }
const root2 = exampleSigner('luis root 2')
const root3 = exampleSigner('luis root 3')
const BARE = { devices: [], revoked: [] }

const first = await aSet()
const handover = await aSet({ ...BARE, seq: 2, prev: first.ref, next: root2.jwk })
const third = await aSet({ seq: 3, prev: handover.ref, handovers: [handover.text] }, root2)
const handover2 = await aSet({ ...BARE, seq: 4, prev: third.ref, next: root3.jwk }, root2)
const fifth = await aSet({ seq: 5, prev: handover2.ref, handovers: [handover.text, handover2.text] }, root3)

async function invalid(set: Promise<Statement<DeviceSetPayload>>): Promise<void> {
  await expect(checkDeviceSet(await set, EXPECTED)).rejects.toEqual(withCode('set-invalid'))
}

it('takes a first set, and sets of later roots with their whole chain', async () => {
  for (const set of [first, third, fifth]) await expect(checkDeviceSet(set, EXPECTED)).resolves.toBeUndefined()
  expect(rootsOf(fifth)).toEqual([luisRoot.id, root2.id, root3.id])
  expect(handoverRefs(fifth)).toEqual([handover.ref, handover2.ref])
})

it('refuses a set of another user, of another origin, with too long a life', async () => {
  await expect(checkDeviceSet(first, { ...EXPECTED, origin: 'https://other.example' })).rejects.toEqual(
    withCode('set-invalid'),
  )
  await expect(checkDeviceSet(first, { ...EXPECTED, user: martaPhone.id })).rejects.toEqual(withCode('set-invalid'))
  await invalid(aSet({ exp: NOW + 90 * DAY + 1 }))
  await invalid(aSet({ exp: NOW }))
})

it('refuses a root that the chain does not lead to', async () => {
  await invalid(aSet({}, root2))
  await invalid(aSet({ seq: 3, prev: handover.ref, handovers: [handover.text] }, root3))
  await invalid(aSet({ seq: 5, prev: handover2.ref, handovers: [handover2.text] }, root3))
  await invalid(aSet({ seq: 5, prev: handover2.ref, handovers: [handover2.text, handover.text] }, root3))
})

it('refuses a hand-over that its root did not sign', async () => {
  const [head, payload] = handover.text.split('.')
  const forged = `${head}.${payload}.${first.jws.parts.signature}`
  await invalid(aSet({ seq: 3, prev: handover.ref, handovers: [forged] }, root2))
})

it('refuses a hand-over that says more than the next root', async () => {
  const trust = { cas: [], witnesses: [], quorum: 0, log: 'a vkey of a later kind' }
  for (const more of [
    { devices: [inSet(luisTablet)] },
    { revoked: [{ id: luisTablet.id, at: NOW }] },
    { trust },
    { handovers: [handover.text] },
  ]) {
    const talkative = await aSet({ ...BARE, seq: 2, prev: first.ref, next: root2.jwk, ...more })
    await invalid(aSet({ seq: 3, prev: talkative.ref, handovers: [talkative.text] }, root2))
  }
})

it('refuses hand-overs that are not older than what they lead to', async () => {
  const late = await aSet({ ...BARE, seq: 4, prev: first.ref, next: root2.jwk })
  const early = await aSet({ ...BARE, seq: 2, prev: first.ref, next: root3.jwk }, root2)
  await invalid(aSet({ seq: 5, prev: late.ref, handovers: [late.text, early.text] }, root3))
  await invalid(aSet({ seq: 2, prev: first.ref, handovers: [handover.text] }, root2))
})

it('refuses hand-overs of another user or origin, or with too long a life', async () => {
  const members = { ...BARE, seq: 2, prev: first.ref, next: root2.jwk }
  for (const other of [{ origin: 'https://other.example' }, { user: martaPhone.id }, { exp: NOW + 90 * DAY + 1 }]) {
    const foreign = await aSet({ ...members, ...other })
    await invalid(aSet({ seq: 3, prev: foreign.ref, handovers: [foreign.text] }, root2))
  }
})

it('refuses a set whose header names another signer', async () => {
  await invalid(aSet({}, { ...luisRoot, id: martaPhone.id }))
})

it('takes a hand-over set only as that', async () => {
  await invalid(Promise.resolve(handover))
  await expect(checkHandover(handover, { ...EXPECTED, root: luisRoot.id })).resolves.toBeUndefined()
  await expect(checkHandover(handover2, { ...EXPECTED, root: luisRoot.id })).rejects.toEqual(withCode('set-invalid'))
  await expect(checkHandover(first, { ...EXPECTED, root: luisRoot.id })).rejects.toEqual(withCode('set-invalid'))
})

it('refuses a hand-over set of somebody else, by somebody else, to nobody or to itself', async () => {
  const members = { ...BARE, seq: 2, prev: first.ref, next: root2.jwk }
  const { next: _, ...toNobody } = members
  for (const wrong of [
    await aSet({ ...members, origin: 'https://other.example' }),
    await aSet({ ...members, user: martaPhone.id }),
    await aSet({ ...members, exp: NOW + 90 * DAY + 1 }),
    await aSet(members, { ...root3, id: luisRoot.id, jwk: luisRoot.jwk }),
    await aSet({ ...members, next: luisRoot.jwk }),
    await aSet(toNobody),
  ]) {
    await expect(checkHandover(wrong, { ...EXPECTED, root: luisRoot.id })).rejects.toEqual(withCode('set-invalid'))
  }
})

it('refuses a device twice, under another id, both listed and revoked, or with the key of another role', async () => {
  await invalid(aSet({ devices: [inSet(luisTablet), inSet(luisTablet)] }))
  await invalid(aSet({ devices: [inSet(luisTablet, { id: martaPhone.id })] }))
  await invalid(aSet({ revoked: [{ id: luisTablet.id, at: NOW }] }))
  await invalid(aSet({ devices: [inSet(luisRoot)] }))
  const trust = { cas: [], witnesses: [], quorum: 0, log: 'a vkey of a later kind' }
  await expect(checkDeviceSet(await aSet({ trust }), EXPECTED)).resolves.toBeUndefined()
  await invalid(aSet({ trust: { ...trust, cas: [luisTablet.id] } }))
  const { jwk } = makeVkey('keys.example/log', 'log', new Uint8Array(32).fill(9))
  const log = makeVkey('keys.example/log', 'log', new Uint8Array(32).fill(9)).text
  const device = { id: thumbprint(jwk), jwk, kind: 'hsm', roles: [] } as const
  await invalid(aSet({ devices: [{ ...device, roles: [] }], trust: { ...trust, log } }))
})

it('demands `prev` of every set but the first', async () => {
  await invalid(aSet({ prev: first.ref }))
  await invalid(aSet({ seq: 2 }))
})

it('refuses a set whose signature is wrong', async () => {
  const other = await aSet({ iat: NOW + 1 })
  await invalid(
    Promise.resolve({ ...first, jws: { ...first.jws, parts: other.jws.parts, alg: 'ES256' }, text: '' }).then(mixed),
  )
  function mixed(set: Statement<DeviceSetPayload>): Statement<DeviceSetPayload> {
    const parts = { ...first.jws.parts, signature: other.jws.parts.signature }
    return { ...set, jws: { ...first.jws, parts } }
  }
})

it('does not go back behind what was seen', () => {
  const seen = { seq: 3, ref: third.ref, handovers: [handover.ref] }
  expect(() => refuseSetRollback(third, seen)).not.toThrow()
  expect(() => refuseSetRollback(fifth, seen)).not.toThrow()
  expect(() => refuseSetRollback(first, null)).not.toThrow()
  expect(() => refuseSetRollback(first, seen)).toThrow(withCode('set-rollback'))
  expect(() => refuseSetRollback(third, { ...seen, ref: first.ref })).toThrow(withCode('set-rollback'))
  expect(() => refuseSetRollback(first, { seq: 2, ref: third.ref, handovers: [] })).toThrow(withCode('set-rollback'))
  expect(() => refuseSetRollback(fifth, { ...seen, handovers: [handover2.ref] })).toThrow(withCode('set-rollback'))
})

it('follows directly, and after a hand-over with the new root', async () => {
  expect(() => checkSuccessor(handover, first)).not.toThrow()
  expect(() => checkSuccessor(third, handover)).not.toThrow()
  expect(() => checkSuccessor(third, first)).toThrow(withCode('set-rollback'))
  const skipping = await aSet({ seq: 3, prev: first.ref })
  expect(() => checkSuccessor(skipping, first)).toThrow(withCode('set-rollback'))
  const ofAnother = await aSet({ seq: 2, prev: third.ref })
  expect(() => checkSuccessor(ofAnother, first)).toThrow(withCode('set-rollback'))
  const byOldRoot = await aSet({ seq: 3, prev: handover.ref })
  expect(() => checkSuccessor(byOldRoot, handover)).toThrow(withCode('set-rollback'))
})

it('tells listed, revoked and unknown devices apart', async () => {
  const { payload } = await aSet({ revoked: [{ id: martaPhone.id, at: NOW }] })
  expect(deviceIn(payload, luisTablet.id)).toMatchObject({ id: luisTablet.id })
  expect(deviceIn(payload, martaPhone.id)).toBe('revoked')
  expect(deviceIn(payload, root2.id)).toBeNull()
})
