import type { DeviceSetPayload, Statement, Thumbprint } from '@keyferry/protocol'
import {
  aDevice,
  aDeviceSet,
  aGrant,
  aHandoverSet,
  aUser,
  DAY_SECONDS,
  exampleSigner,
  inSet,
  NOW,
  type SetOptions,
  type TestDevice,
} from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import {
  aDeliveryRow,
  asDevice,
  aWorld,
  claimedBy,
  enrolAll,
  enrolFirst,
  inboxOf,
  OPERATOR,
  provenBy,
  putDeliveries,
  rolesHeld,
  setWith,
  type World,
} from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { denyEnrolment } from './deny-enrolment.ts'
import { getEnrolment } from './get-enrolment.ts'
import { putStatement } from './put-statement.ts'

const luis = aUser('luis')
type DeviceSet = Statement<DeviceSetPayload>

interface Home {
  readonly world: World
  readonly phone: TestDevice
  readonly tablet: TestDevice
  /** Lists both; its seq is 2. */
  readonly set: DeviceSet
}

async function aHome(options: SetOptions = {}): Promise<Home> {
  const world = aWorld()
  const phone = await aDevice(luis)
  const tablet = await aDevice(luis, { name: 'tablet' })
  const first = await enrolFirst(world, phone, options)
  await provenBy(world, phone, tablet, first)
  const set = await aDeviceSet(luis, [phone, tablet], { after: first, ...options })
  await put(world, await asDevice(world, phone), set)
  return { world, phone, tablet, set }
}

const put = (world: World, caller: Caller, set: { ref: DeviceSet['ref']; text: string }) =>
  putStatement(world.context, caller, set.ref, set.text)
const invalid = (check: string) => ({ code: 'statement-invalid', details: { check } })

describe('the next set of a user', () => {
  it('replaces the one before, and has its leaf', async () => {
    const { world, phone, tablet, set } = await aHome()
    const next = await aDeviceSet(luis, [phone, tablet], { after: set })
    const answer = await put(world, await asDevice(world, tablet), next)
    expect(answer).toEqual({ view: { ref: next.ref, index: 4 }, created: true })
    expect(await world.context.read.user(luis.id)).toMatchObject({ setRef: next.ref, setSeq: 3 })
    expect(await world.context.read.leafIndex(next.ref)).toBe(4)
    expect(await put(world, OPERATOR, next)).toEqual({ ...answer, created: false })
  })

  it('tells nobody when it only renews', async () => {
    const { world, phone, tablet, set } = await aHome()
    const before = await inboxOf(world, tablet.id)
    await put(world, await asDevice(world, phone), await aDeviceSet(luis, [phone, tablet], { after: set }))
    expect(await inboxOf(world, tablet.id)).toEqual(before)
  })

  it.each([
    ['has the seq of the last one', { seq: 2 }],
    ['leaves a seq out', { seq: 4 }],
    ['has another prev', { prev: luis.id }],
  ])('is refused if it %s', async (_, members) => {
    const { world, phone, tablet, set } = await aHome()
    const next = await aDeviceSet(luis, [phone, tablet], { after: set, at: NOW + 1, members })
    await expect(put(world, await asDevice(world, phone), next)).rejects.toMatchObject({ code: 'set-rollback' })
  })

  it('is refused with another root that no hand-over brought', async () => {
    const { world, phone, tablet, set } = await aHome()
    const other = await aDeviceSet(luis, [phone, tablet], { after: set, root: exampleSigner('luis root 2') })
    await expect(put(world, await asDevice(world, phone), other)).rejects.toMatchObject({ code: 'set-rollback' })
  })

  it.each([
    ['is for another origin', 'set-invalid', { origin: 'https://other.example' }],
    ['has expired', 'set-expired', { iat: NOW - DAY_SECONDS, exp: NOW }],
    ['is from the future', 'set-invalid', { iat: NOW + 61, exp: NOW + DAY_SECONDS }],
    ['lives more than 90 days', 'set-invalid', { exp: NOW + 91 * DAY_SECONDS }],
  ] as const)('is refused if it %s', async (_, check, members) => {
    const { world, phone, tablet, set } = await aHome()
    const next = await aDeviceSet(luis, [phone, tablet], { after: set, members })
    await expect(put(world, await asDevice(world, phone), next)).rejects.toMatchObject(invalid(check))
  })

  it('is refused with a forged signature, and when a device is listed and revoked', async () => {
    const { world, phone, tablet, set } = await aHome()
    const caller = await asDevice(world, phone)
    const forger = { ...luis.root, sign: exampleSigner('somebody').sign }
    const forged = await aDeviceSet(luis, [phone, tablet], { after: set, root: forger })
    await expect(put(world, caller, forged)).rejects.toMatchObject(invalid('set-invalid'))
    const both = await aDeviceSet(luis, [phone, tablet], { after: set, revoked: [tablet] })
    await expect(put(world, caller, both)).rejects.toMatchObject(invalid('set-invalid'))
  })

  it('keeps saying what to trust once a set has said it', async () => {
    const trust = { cas: [], witnesses: [], quorum: 0, log: 'keys.example/log+00000000+AAAA' }
    const { world, phone, tablet, set } = await aHome({ trust })
    const caller = await asDevice(world, phone)
    const silent = await aDeviceSet(luis, [phone, tablet], { after: set })
    await expect(put(world, caller, silent)).rejects.toMatchObject(invalid('set-invalid'))
    const other = await aDeviceSet(luis, [phone, tablet], {
      after: set,
      trust: { ...trust, cas: ['A'.repeat(43) as Thumbprint] },
    })
    expect(await put(world, caller, other)).toMatchObject({ created: true })
  })

  it.each([
    ['1 without witnesses', { quorum: 1, witnesses: [] }],
    ['2 with one witness twice', { quorum: 2, witnesses: ['w+1+A', 'w+1+A'] }],
  ])('has no quorum that nobody can reach: %s', async (_, members) => {
    const { world, phone, tablet, set } = await aHome()
    const trust = { cas: [], log: 'keys.example/log+00000000+AAAA', ...members }
    const stuck = await aDeviceSet(luis, [phone, tablet], { after: set, trust })
    await expect(put(world, await asDevice(world, phone), stuck)).rejects.toMatchObject(invalid('set-invalid'))
    const fit = await aDeviceSet(luis, [phone, tablet], { after: set, trust: { ...trust, quorum: 0 } })
    expect(await put(world, await asDevice(world, phone), fit)).toMatchObject({ created: true })
  })

  it('takes the kind that the root confirms', async () => {
    const { world, phone, tablet, set } = await aHome()
    const next = await aDeviceSet(luis, [phone, inSet(tablet, { kind: 'browser' })], { after: set })
    await put(world, await asDevice(world, phone), next)
    expect(await world.context.read.device(tablet.id)).toMatchObject({ kind: 'browser' })
  })

  it('is put by nobody else, and not for somebody who has none', async () => {
    const { world, phone, tablet, set } = await aHome()
    const marta = await aDevice(aUser('marta'))
    const first = await aDeviceSet(marta.user, [marta])
    await expect(put(world, OPERATOR, first)).rejects.toMatchObject({ code: 'not-found' })
    await enrolFirst(world, marta)
    const next = await aDeviceSet(luis, [phone, tablet], { after: set })
    await expect(put(world, await asDevice(world, marta), next)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('lets one of two concurrent writers win and tells the other', async () => {
    const { world, phone, tablet, set } = await aHome()
    const caller = await asDevice(world, phone)
    const sets = [
      await aDeviceSet(luis, [phone, tablet], { after: set }),
      await aDeviceSet(luis, [phone], { after: set }),
    ]
    const results = await Promise.allSettled(sets.map((next) => put(world, caller, next)))
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    expect(results.find((result) => result.status === 'rejected')).toMatchObject({ reason: { code: 'set-rollback' } })
  })
})

describe('a set that adds a device', () => {
  it('approves its enrolment with its statement, keys and leaf, and tells all devices of the user', async () => {
    const { world, phone, tablet, set } = await aHome()
    const watch = await aDevice(luis, { name: 'watch', withAccess: true })
    const { id } = await provenBy(world, phone, watch, set)
    const next = await setWith(luis, set, watch)
    await put(world, await asDevice(world, tablet), next)
    expect(await world.context.read.device(watch.id)).toMatchObject({
      user: luis.id,
      state: 'active',
      statementRef: watch.statement.ref,
      accessKey: watch.access?.id,
    })
    expect((await getEnrolment(world.context, await asDevice(world, phone), id)).view.state).toBe('approved')
    expect(await rolesHeld(world, watch)).toEqual(['device', 'access', 'transport'])
    expect(await world.context.read.leafIndex(watch.statement.ref)).not.toBeNull()
    for (const device of [phone, tablet, watch]) expect((await inboxOf(world, device.id)).at(-1)).toBe('device-changed')
  })

  it.each(['claimed only', 'denied', 'of another user', 'expired', 'never claimed'])(
    'is refused when its enrolment is %s',
    async (how) => {
      const { world, phone, set } = await aHome()
      const watch = await aDevice(luis, { name: 'watch' })
      if (how === 'claimed only') await claimedBy(world, phone, watch)
      if (how === 'denied' || how === 'expired') {
        const { id } = await provenBy(world, phone, watch, set)
        if (how === 'expired') world.clock.advance(3600)
        else await denyEnrolment(world.context, await asDevice(world, phone), id, { reason: 'declined' })
      }
      if (how === 'of another user') {
        const martas = await aDevice(aUser('marta'))
        const first = await enrolFirst(world, martas)
        const theirs = await aDevice(martas.user, { name: 'watch' })
        await provenBy(world, martas, theirs, first)
        const next = await setWith(luis, set, theirs)
        await expect(put(world, await asDevice(world, phone), next)).rejects.toMatchObject(invalid('set-invalid'))
      }
      const next = await setWith(luis, set, watch)
      await expect(put(world, await asDevice(world, phone), next)).rejects.toMatchObject(invalid('set-invalid'))
      expect(await world.context.read.device(watch.id)).toBeNull()
      expect(await world.context.read.user(luis.id)).toMatchObject({ setRef: set.ref })
    },
  )

  it('is refused when the statement of the device has run out meanwhile', async () => {
    const { world, phone, set } = await aHome()
    const watch = await aDevice(luis, { name: 'watch', statement: { exp: NOW + 60 } })
    await provenBy(world, phone, watch, set)
    world.clock.advance(60)
    const next = await setWith(luis, set, watch)
    await expect(put(world, await asDevice(world, phone), next)).rejects.toMatchObject(invalid('statement-expired'))
  })

  it('does not bring a revoked device back', async () => {
    const { world, phone, tablet, set } = await aHome()
    const without = await aDeviceSet(luis, [phone], { after: set, revoked: [tablet] })
    await put(world, await asDevice(world, phone), without)
    const again = await aDeviceSet(luis, [phone, tablet], { after: without })
    await expect(put(world, await asDevice(world, phone), again)).rejects.toMatchObject(invalid('set-invalid'))
  })
})

describe('a set that adds a device, on a server in trouble', () => {
  async function aProvenWatch(): Promise<Home & { watch: TestDevice; next: DeviceSet; caller: Caller }> {
    const home = await aHome()
    const watch = await aDevice(luis, { name: 'watch' })
    await provenBy(home.world, home.phone, watch, home.set)
    const next = await setWith(luis, home.set, watch)
    return { ...home, watch, next, caller: await asDevice(home.world, home.phone) }
  }

  it('leaves nothing behind when it could not be written, and is put again', async () => {
    const { world, set, watch, next, caller } = await aProvenWatch()
    const leaves = await world.context.read.leafCount()
    world.store.failBefore('append-leaf')
    await expect(put(world, caller, next)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await world.context.read.user(luis.id)).toMatchObject({ setRef: set.ref })
    expect(await world.context.read.device(watch.id)).toBeNull()
    expect(await world.context.read.leafCount()).toBe(leaves)
    expect(await put(world, caller, next)).toMatchObject({ created: true })
  })

  it('is known when it was written and its answer got lost', async () => {
    const { world, watch, next, caller } = await aProvenWatch()
    world.store.failAfter('append-leaf')
    await expect(put(world, caller, next)).rejects.toMatchObject({ code: 'unavailable' })
    const index = await world.context.read.leafIndex(next.ref)
    expect(await put(world, caller, next)).toEqual({ view: { ref: next.ref, index }, created: false })
    expect(await world.context.read.device(watch.id)).toMatchObject({ state: 'active' })
  })
})

describe('a set that no longer lists a device', () => {
  it.each(['names it as revoked', 'names it nowhere'])('revokes it in the same unit if it %s', async (how) => {
    const { world, phone, tablet, set } = await aHome()
    const revoked = how === 'names it as revoked' ? [tablet] : []
    await put(world, await asDevice(world, phone), await aDeviceSet(luis, [phone], { after: set, revoked }))
    expect(await world.context.read.device(tablet.id)).toMatchObject({ state: 'revoked' })
    expect((await inboxOf(world, phone.id)).at(-1)).toBe('device-changed')
  })

  it('withdraws the open deliveries of all devices that go, each once', async () => {
    const { world, phone, tablet, set } = await aHome()
    const watch = await aDevice(luis, { name: 'watch' })
    await provenBy(world, phone, watch, set)
    const all = await setWith(luis, set, watch)
    await put(world, await asDevice(world, phone), all)
    const between = aDeliveryRow(tablet, watch)
    const away = aDeliveryRow(phone, watch, { dl: otherId(2), tr: otherTransfer(2) })
    const kept = aDeliveryRow(phone, phone, { dl: otherId(3), tr: otherTransfer(3) })
    const over = aDeliveryRow(tablet, phone, { dl: otherId(4), tr: otherTransfer(4), state: 'completed' })
    await putDeliveries(world, between, away, kept, over)
    await put(world, await asDevice(world, phone), await aDeviceSet(luis, [phone], { after: all }))
    const states = [between, away, kept, over].map(async ({ dl }) => world.context.read.delivery(dl))
    expect(await Promise.all(states)).toMatchObject([
      { state: 'withdrawn', reason: 'device-revoked' },
      { state: 'withdrawn', reason: 'device-revoked' },
      { state: 'released' },
      { state: 'completed' },
    ])
  })
})

describe('a set that revokes a grant', () => {
  it('withdraws what waits for the grantee, unless he keeps another grant', async () => {
    const { world, phone, tablet, set } = await aHome()
    const caller = await asDevice(world, phone)
    const [ends, stays] = [exampleSigner('app one'), exampleSigner('app two')]
    const grants = [
      await aGrant(luis, ends),
      await aGrant(luis, stays),
      await aGrant(luis, stays, { perDay: 5 }),
      await aGrant(luis, ends, { exp: NOW + 5 }),
    ]
    for (const grant of grants) await putStatement(world.context, caller, grant.ref, grant.text)
    world.clock.advance(10)
    const one = aDeliveryRow(phone, tablet, { orderBy: ends.id })
    const two = aDeliveryRow(phone, tablet, { orderBy: stays.id, dl: otherId(2), tr: otherTransfer(2) })
    const own = aDeliveryRow(phone, tablet, { dl: otherId(3), tr: otherTransfer(3) })
    await putDeliveries(world, one, two, own)
    const revoked = grants.slice(0, 2).map((grant) => grant.ref)
    await put(world, caller, await aDeviceSet(luis, [phone, tablet], { after: set, revoked }))
    const rows = [one, two, own].map(async ({ dl }) => world.context.read.delivery(dl))
    expect(await Promise.all(rows)).toMatchObject([
      { state: 'withdrawn', reason: 'grant-revoked' },
      { state: 'released' },
      { state: 'released' },
    ])
  })
})

describe('a hand-over of the root', () => {
  const root2 = exampleSigner('luis root 2')

  async function handedOver(home: Home): Promise<DeviceSet> {
    const handover = await aHandoverSet(luis, { after: home.set, to: root2 })
    await put(home.world, await asDevice(home.world, home.phone), handover)
    return handover
  }

  it('waits, without a leaf, until its successor is put; then both are leaves', async () => {
    const home = await aHome()
    const { world, phone, tablet, set } = home
    const caller = await asDevice(world, phone)
    const handover = await aHandoverSet(luis, { after: set, to: root2 })
    expect(await put(world, caller, handover)).toEqual({ view: { ref: handover.ref }, created: true })
    expect(await put(world, caller, handover)).toEqual({ view: { ref: handover.ref }, created: false })
    expect(await world.context.read.user(luis.id)).toMatchObject({ setRef: set.ref })
    const next = await aDeviceSet(luis, [phone, tablet], { after: handover, root: root2, handovers: [handover] })
    expect(await put(world, caller, next)).toEqual({ view: { ref: next.ref, index: 5 }, created: true })
    expect(await world.context.read.leafIndex(handover.ref)).toBe(4)
    expect(await world.context.read.user(luis.id)).toMatchObject({ setRef: next.ref, setSeq: 4, handoverRef: null })
    expect(await world.context.read.keyRole(root2.id)).toMatchObject({ role: 'root', holder: luis.id })
    const after = await aDeviceSet(luis, [phone, tablet], { after: next, root: root2, handovers: [handover] })
    expect(await put(world, caller, after)).toMatchObject({ created: true })
  })

  it('is followed by a set of the new root only, which carries it', async () => {
    const home = await aHome()
    const { world, phone, tablet } = home
    const handover = await handedOver(home)
    const caller = await asDevice(world, phone)
    const byOld = await aDeviceSet(luis, [phone, tablet], { after: handover })
    const bare = await aDeviceSet(luis, [phone, tablet], { after: handover, root: root2 })
    for (const set of [byOld, bare])
      await expect(put(world, caller, set)).rejects.toMatchObject({ code: 'set-rollback' })
  })

  it('is carried by every later set', async () => {
    const home = await aHome()
    const { world, phone, tablet } = home
    const handover = await handedOver(home)
    const caller = await asDevice(world, phone)
    const next = await aDeviceSet(luis, [phone, tablet], { after: handover, root: root2, handovers: [handover] })
    await put(world, caller, next)
    const bare = await aDeviceSet(luis, [phone, tablet], { after: next, root: root2 })
    await expect(put(world, caller, bare)).rejects.toMatchObject({ code: 'set-rollback' })
  })

  it('is not put by any other root, nor with devices, nor while another one waits', async () => {
    const home = await aHome()
    const { world, phone, set } = home
    const caller = await asDevice(world, phone)
    const stolen = await aHandoverSet(luis, { after: set, to: root2, from: exampleSigner('somebody') })
    await expect(put(world, caller, stolen)).rejects.toMatchObject({ code: 'set-rollback' })
    const full = await aHandoverSet(luis, { after: set, to: root2, members: { devices: [inSet(phone)] } })
    await expect(put(world, caller, full)).rejects.toMatchObject(invalid('set-invalid'))
    const handover = await handedOver(home)
    const second = await aHandoverSet(luis, { after: handover, from: root2, to: exampleSigner('luis root 3') })
    await expect(put(world, caller, second)).rejects.toMatchObject(invalid('set-invalid'))
  })

  it('does not make a root of a key that has another role', async () => {
    const { world, phone, tablet, set } = await aHome()
    const handover = await aHandoverSet(luis, { after: set, to: tablet.signer })
    await expect(put(world, await asDevice(world, phone), handover)).rejects.toMatchObject(invalid('key-in-use'))
  })
})

it('enrols a household of any size', async () => {
  const world = aWorld()
  const devices = await Promise.all(['a', 'b', 'c', 'd'].map((name) => aDevice(luis, { name })))
  const set = await enrolAll(world, devices)
  expect(set.payload.devices.map((entry) => entry.id)).toEqual(devices.map((device) => device.id))
})

function otherId(n: number): ReturnType<typeof aDeliveryRow>['dl'] {
  return `dl_${'0'.repeat(25)}${n}` as ReturnType<typeof aDeliveryRow>['dl']
}
function otherTransfer(n: number): ReturnType<typeof aDeliveryRow>['tr'] {
  return `tr_${'0'.repeat(25)}${n}` as ReturnType<typeof aDeliveryRow>['tr']
}
