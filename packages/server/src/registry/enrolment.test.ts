import { type DeviceId, type EnrolmentId, type Thumbprint, toBase64url, utf8 } from '@keyferry/protocol'
import {
  A_MAC,
  aDevice,
  aDeviceSet,
  aDeviceStatement,
  aPairingAnswer,
  aPairingProof,
  aUser,
  DAY_SECONDS,
  exampleSigner,
  inSet,
  NOW,
  type TestDevice,
} from '@keyferry/testkit'
import { describe, expect, it } from 'vitest'
import {
  aClaim,
  aDeliveryRow,
  asDevice,
  asNewcomer,
  aWorld,
  claimedBy,
  enrolAll,
  enrolFirst,
  inboxOf,
  OPERATOR,
  provenBy,
  putDeliveries,
  rolesHeld,
  type World,
} from '../../test/world.ts'
import type { Caller } from '../access/caller.ts'
import { answerEnrolment } from './answer-enrolment.ts'
import { claimEnrolment } from './claim-enrolment.ts'
import { createEnrolment } from './create-enrolment.ts'
import { denyEnrolment } from './deny-enrolment.ts'
import { getEnrolment } from './get-enrolment.ts'
import { claimantKey } from './newcomer-key.ts'
import { proveEnrolment } from './prove-enrolment.ts'

const luis = aUser('luis')

interface Home {
  readonly world: World
  readonly phone: TestDevice
  /** Not enrolled. */
  readonly watch: TestDevice
  readonly set: Awaited<ReturnType<typeof enrolFirst>>
}

async function aHome(): Promise<Home> {
  const world = aWorld()
  const phone = await aDevice(luis, { withAccess: true })
  const watch = await aDevice(luis, { name: 'watch', withAccess: true })
  return { world, phone, watch, set: await enrolFirst(world, phone) }
}

async function aStranger(world: World): Promise<TestDevice> {
  const device = await aDevice(aUser('marta'))
  await enrolFirst(world, device)
  return device
}

const stateOf = async ({ world, phone }: Home, en: EnrolmentId) =>
  (await getEnrolment(world.context, await asDevice(world, phone), en)).view.state
const asSession = (user: DeviceId, admin = false): Caller => ({ type: 'user', user, admin })

describe('step 1, the invitation', () => {
  it('gives a code of 128 bits, of which the server keeps a hash only, for ten minutes', async () => {
    const { world, phone } = await aHome()
    const offer = await createEnrolment(world.context, await asDevice(world, phone), {})
    expect(offer).toMatchObject({ code: expect.stringMatching(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/), expiresAt: NOW + 600 })
    const row = await world.context.read.enrolment(offer.id)
    expect(row).toMatchObject({ state: 'open', user: luis.id, username: 'luis' })
    expect(JSON.stringify(row)).not.toContain(offer.code)
  })

  it('is for the own user of a device only, and not for its agent', async () => {
    const { world, phone } = await aHome()
    const caller = await asDevice(world, phone)
    await expect(createEnrolment(world.context, caller, { username: 'marta' })).rejects.toMatchObject({
      code: 'malformed',
    })
    const agent = await asDevice(world, phone, 'access-signature')
    await expect(createEnrolment(world.context, agent, {})).rejects.toMatchObject({ code: 'access-denied' })
  })

  it('is made for a first device by an administrator, by nobody else for another name', async () => {
    const { world, watch } = await aHome()
    for (const caller of [OPERATOR, asSession(luis.id, true)]) {
      expect(await createEnrolment(world.context, caller, { username: 'marta' })).toMatchObject({
        id: expect.stringMatching(/^en_/),
      })
    }
    for (const caller of [asSession(luis.id), asNewcomer(watch)]) {
      const request = createEnrolment(world.context, caller, { username: 'marta' })
      await expect(request).rejects.toMatchObject({ code: 'not-found' })
    }
    await expect(createEnrolment(world.context, OPERATOR, {})).rejects.toMatchObject({ code: 'malformed' })
  })

  it.each(['marta ', 'Marta', 'mаrta', '../x', '--x', '.x', 'marta luis', 'ma\u0301rta'])(
    'is made for no new name that could be taken for another, an option or a path: "%s"',
    async (username) => {
      const { world } = await aHome()
      await expect(createEnrolment(world.context, OPERATOR, { username })).rejects.toMatchObject({ code: 'malformed' })
    },
  )

  it.each(['marta', 'm.luis_2@example-org.net', '7'])('is made for a plain name: %s', async (username) => {
    const { world } = await aHome()
    expect(await createEnrolment(world.context, OPERATOR, { username })).toMatchObject({ code: expect.any(String) })
  })

  it('is refused for a name that is taken unless its user is to be replaced', async () => {
    const { world } = await aHome()
    for (const caller of [OPERATOR, asSession(luis.id)]) {
      await expect(createEnrolment(world.context, caller, { username: 'luis' })).rejects.toMatchObject({
        code: 'state-conflict',
        details: { state: 'name-taken' },
      })
      expect(await createEnrolment(world.context, caller, { username: 'luis', replace: true })).toBeDefined()
    }
  })
})

describe('the first device of somebody', () => {
  it('is enrolled with its claim: user, device, statements, keys and leaves in one unit', async () => {
    const world = aWorld()
    const phone = await aDevice(luis, { withAccess: true })
    const set = await aDeviceSet(luis, [inSet(phone, { kind: 'tee' })])
    const { id, code } = await createEnrolment(world.context, OPERATOR, { username: 'luis' })
    const claim = { code, statement: phone.statement.text, set: set.text }
    const answer = { view: { id, username: 'luis' }, created: true }
    expect(await claimEnrolment(world.context, asNewcomer(phone), claim)).toEqual(answer)
    expect(await world.context.read.user(luis.id)).toMatchObject({ username: 'luis', setRef: set.ref, setSeq: 1 })
    expect(await world.context.read.device(phone.id)).toMatchObject({ state: 'active', kind: 'tee', user: luis.id })
    expect(await rolesHeld(world, phone)).toEqual(['device', 'access', 'transport'])
    expect(await world.context.read.keyRole(luis.id)).toMatchObject({ role: 'root', holder: luis.id })
    expect(await world.context.read.leafCount()).toBe(2)
    expect((await getEnrolment(world.context, OPERATOR, id)).view.state).toBe('approved')
    // Its answer got lost: it is a device by now, and its agent asks again.
    const again = claimEnrolment(world.context, await asDevice(world, phone, 'access-signature'), claim)
    expect(await again).toEqual({ ...answer, created: false })
  })

  it('is answered again when its claim was written and the answer got lost', async () => {
    const { world, phone, code } = await anInvitation()
    const claim = { code, statement: phone.statement.text, set: (await aDeviceSet(luis, [phone])).text }
    world.store.failAfter('insert-user')
    await expect(claimEnrolment(world.context, asNewcomer(phone), claim)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await claimEnrolment(world.context, await asDevice(world, phone), claim)).toMatchObject({ created: false })
  })

  async function anInvitation(): Promise<{ world: World; phone: TestDevice; code: string }> {
    const world = aWorld()
    const phone = await aDevice(luis)
    return { world, phone, code: (await createEnrolment(world.context, OPERATOR, { username: 'luis' })).code }
  }

  it.each([
    ['does not list it', async () => aDeviceSet(luis, []), 'statement-invalid'],
    [
      'lists others too',
      async (phone: TestDevice) => aDeviceSet(luis, [phone, await aDevice(luis, { name: 'tablet' })]),
      'statement-invalid',
    ],
    ['lists another one', async () => aDeviceSet(luis, [await aDevice(luis, { name: 'tablet' })]), 'statement-invalid'],
    [
      'is not the first',
      async (phone: TestDevice) => aDeviceSet(luis, [phone], { members: { seq: 2, prev: luis.id } }),
      'set-rollback',
    ],
    [
      'has expired',
      async (phone: TestDevice) => aDeviceSet(luis, [phone], { members: { iat: NOW - 9, exp: NOW } }),
      'statement-invalid',
    ],
    [
      'is of another root',
      async (phone: TestDevice) => aDeviceSet(luis, [phone], { root: exampleSigner('x') }),
      'statement-invalid',
    ],
    ['is of another user', async (phone: TestDevice) => aDeviceSet(aUser('marta'), [phone]), 'statement-invalid'],
  ] as const)('is refused with a set that %s, and may try again', async (_, make, code) => {
    const { world, phone, code: invitation } = await anInvitation()
    const set = await make(phone)
    const claim = { code: invitation, statement: phone.statement.text, set: set.text }
    await expect(claimEnrolment(world.context, asNewcomer(phone), claim)).rejects.toMatchObject({ code })
    const good = { ...claim, set: (await aDeviceSet(luis, [phone])).text }
    expect(await claimEnrolment(world.context, asNewcomer(phone), good)).toMatchObject({ created: true })
  })

  it('brings its set and no mac', async () => {
    const { world, phone, code } = await anInvitation()
    const set = (await aDeviceSet(luis, [phone])).text
    const statement = phone.statement.text
    for (const claim of [
      { code, statement },
      { code, statement, mac: A_MAC },
      { code, statement, set, mac: A_MAC },
    ]) {
      await expect(claimEnrolment(world.context, asNewcomer(phone), claim)).rejects.toMatchObject({ code: 'malformed' })
    }
  })

  it('has a root and keys that are not known here', async () => {
    const { world, phone } = await aHome()
    const { code } = await createEnrolment(world.context, OPERATOR, { username: 'other' })
    const claim = {
      code,
      statement: phone.statement.text,
      set: (await aDeviceSet(luis, [phone], { at: NOW + 1 })).text,
    }
    const keyid = phone.access?.id as Thumbprint
    await expect(claimEnrolment(world.context, { type: 'newcomer', keyid }, claim)).rejects.toMatchObject({
      code: 'statement-invalid',
      details: { check: 'key-in-use' },
    })
  })

  it('comes too late when somebody else took the name with another invitation', async () => {
    const world = aWorld()
    const { code } = await createEnrolment(world.context, OPERATOR, { username: 'luis' })
    await enrolFirst(world, await aDevice(luis))
    const other = { ...aUser('other'), username: 'luis' }
    const phone = await aDevice(other, { name: 'other phone' })
    const claim = { code, statement: phone.statement.text, set: (await aDeviceSet(other, [phone])).text }
    await expect(claimEnrolment(world.context, asNewcomer(phone), claim)).rejects.toMatchObject({
      code: 'state-conflict',
      details: { state: 'name-taken' },
    })
  })

  it('replaces who had the name, if the invitation says so: his devices go, his deliveries are withdrawn', async () => {
    const world = aWorld()
    const old = await aDevice(luis)
    await enrolAll(world, [old])
    const delivery = aDeliveryRow(old, await aStranger(world))
    await putDeliveries(world, delivery)
    world.clock.advance(DAY_SECONDS)
    const again = { ...aUser('luis again'), username: 'luis' }
    const phone = await aDevice(again, { name: 'new phone', at: world.clock.now() })
    const { code } = await createEnrolment(world.context, OPERATOR, { username: 'luis', replace: true })
    const set = await aDeviceSet(again, [phone], { at: world.clock.now() })
    await claimEnrolment(world.context, asNewcomer(phone), { code, statement: phone.statement.text, set: set.text })
    expect(await world.context.read.userByName('luis')).toMatchObject({ id: again.id })
    expect(await world.context.read.user(luis.id)).toMatchObject({ username: luis.id })
    expect(await world.context.read.device(old.id)).toMatchObject({ state: 'revoked' })
    expect(await world.context.read.delivery(delivery.dl)).toMatchObject({ state: 'withdrawn', reason: 'user-revoked' })
  })
})

describe('step 2, the claim', () => {
  it('tells the devices of the user, and gives an hour for the rest', async () => {
    const home = await aHome()
    const { world, phone, watch } = home
    world.clock.advance(599)
    const offer = await createEnrolment(world.context, await asDevice(world, phone), {})
    const claim = aClaim(offer.code, watch)
    const answer = await claimEnrolment(world.context, asNewcomer(watch), claim)
    expect(answer).toEqual({ view: { id: offer.id, username: 'luis' }, created: true })
    expect(await inboxOf(world, phone.id)).toEqual(['enrolment-claimed'])
    const { view } = await getEnrolment(world.context, asNewcomer(watch), offer.id)
    expect(view).toEqual({
      id: offer.id,
      state: 'claimed',
      expiresAt: world.clock.now() + 3600,
      username: 'luis',
      claim: { statement: watch.statement.text, mac: A_MAC },
    })
    expect(await world.context.read.device(watch.id)).toBeNull()
  })

  it('is answered again when it is repeated, and is not found for anybody else', async () => {
    const { world, phone, watch } = await aHome()
    const { id, code } = await createEnrolment(world.context, await asDevice(world, phone), {})
    const claim = aClaim(code, watch)
    await claimEnrolment(world.context, asNewcomer(watch), claim)
    const again = await claimEnrolment(world.context, asNewcomer(watch), claim)
    expect(again).toEqual({ view: { id, username: 'luis' }, created: false })
    const other = await aDevice(luis, { name: 'other' })
    const otherMac = { ...claim, mac: toBase64url(new Uint8Array(32)) }
    for (const [caller, body] of [
      [asNewcomer(other), aClaim(code, other)],
      [asNewcomer(other), claim],
      [asNewcomer(watch), otherMac],
      [asNewcomer(watch), { ...claim, set: watch.statement.text }],
      [asNewcomer(watch), { ...claim, code: '0'.repeat(26) }],
    ] as const) {
      await expect(claimEnrolment(world.context, caller, body)).rejects.toMatchObject({ code: 'not-found' })
    }
  })

  it('comes too late after ten minutes, after a denial, and for its repeat after the hour', async () => {
    const { world, phone, watch } = await aHome()
    const caller = await asDevice(world, phone)
    const claimed = await claimedBy(world, phone, watch)
    const late = await createEnrolment(world.context, caller, {})
    const denied = await createEnrolment(world.context, caller, {})
    await denyEnrolment(world.context, caller, denied.id, { reason: 'declined' })
    world.clock.advance(600)
    for (const { code } of [late, denied]) {
      const claim = claimEnrolment(world.context, asNewcomer(watch), aClaim(code, watch))
      await expect(claim).rejects.toMatchObject({ code: 'not-found' })
    }
    world.clock.advance(3000)
    const repeat = claimEnrolment(world.context, asNewcomer(watch), aClaim(claimed.code, watch))
    await expect(repeat).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is single: of two at once one wins', async () => {
    const { world, phone, watch } = await aHome()
    const other = await aDevice(luis, { name: 'other' })
    const { code } = await createEnrolment(world.context, await asDevice(world, phone), {})
    const claims = [watch, other].map((one) => claimEnrolment(world.context, asNewcomer(one), aClaim(code, one)))
    const results = await Promise.allSettled(claims)
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    expect(results.find((result) => result.status === 'rejected')).toMatchObject({ reason: { code: 'not-found' } })
  })

  it('is signed by the access key of its statement, or if it has none by its own', async () => {
    const { world, phone, watch } = await aHome()
    const { code } = await createEnrolment(world.context, await asDevice(world, phone), {})
    for (const caller of [{ type: 'newcomer', keyid: watch.id }, await asDevice(world, phone)] as const) {
      const claim = claimEnrolment(world.context, caller, aClaim(code, watch))
      await expect(claim).rejects.toMatchObject({ code: 'signature-invalid' })
    }
    const plain = await aDevice(luis, { name: 'plain' })
    expect(await claimEnrolment(world.context, asNewcomer(plain), aClaim(code, plain))).toMatchObject({ created: true })
  })

  it('brings a mac and no set', async () => {
    const { world, phone, watch } = await aHome()
    const { code } = await createEnrolment(world.context, await asDevice(world, phone), {})
    const statement = watch.statement.text
    for (const claim of [
      { code, statement },
      { code, statement, set: statement },
    ]) {
      await expect(claimEnrolment(world.context, asNewcomer(watch), claim)).rejects.toMatchObject({ code: 'malformed' })
    }
  })

  it.each([
    ['of another user', 'statement-invalid', 'statement-invalid', { user: aUser('marta').id }],
    ['for another origin', 'statement-invalid', 'statement-invalid', { origin: 'https://other.example' }],
    ['that has expired', 'statement-invalid', 'statement-expired', { iat: NOW - 9, exp: NOW }],
    ['that is not its first', 'statement-rollback', undefined, { seq: 2 }],
  ] as const)('is refused with a statement %s', async (_, code, check, members) => {
    const { world, phone, watch } = await aHome()
    const offer = await createEnrolment(world.context, await asDevice(world, phone), {})
    const statement = await aDeviceStatement(watch, members)
    const claim = { ...aClaim(offer.code, watch), statement: statement.text }
    const refusal = expect(claimEnrolment(world.context, asNewcomer(watch), claim)).rejects
    await refusal.toMatchObject({ code, ...(check === undefined ? {} : { details: { check } }) })
  })

  it('is refused with keys that are in use: keys are made anew', async () => {
    const { world, phone, watch } = await aHome()
    const offer = await createEnrolment(world.context, await asDevice(world, phone), {})
    const { enc } = phone.statement.payload
    const statement = await aDeviceStatement(watch, { enc })
    const claim = { ...aClaim(offer.code, watch), statement: statement.text }
    await expect(claimEnrolment(world.context, asNewcomer(watch), claim)).rejects.toMatchObject({
      code: 'statement-invalid',
      details: { check: 'key-in-use' },
    })
  })
})

describe('who reads an enrolment', () => {
  it('is N and whoever is of the user', async () => {
    const { world, phone, watch } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    for (const caller of [await asDevice(world, phone), asNewcomer(watch), asSession(luis.id), OPERATOR]) {
      expect((await getEnrolment(world.context, caller, id)).view.id).toBe(id)
    }
    const stranger = await aStranger(world)
    for (const caller of [await asDevice(world, stranger), asNewcomer(stranger), asSession(stranger.user.id)]) {
      await expect(getEnrolment(world.context, caller, id)).rejects.toMatchObject({ code: 'not-found' })
    }
    const unknown = 'en_0hmxmww82hdavq3c19kc1pm9kn' as EnrolmentId
    await expect(getEnrolment(world.context, OPERATOR, unknown)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('finds the key that N signs with', async () => {
    const { world, phone, watch } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    const keyid = watch.access?.id as Thumbprint
    expect(await claimantKey(world.context, id, keyid)).toEqual(watch.access?.jwk)
    expect(await claimantKey(world.context, id, watch.id)).toBeNull()
  })

  it('sees another tag whenever it sees something else, also when only the clock changed it', async () => {
    const { world, phone, watch } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    const first = await getEnrolment(world.context, OPERATOR, id)
    world.clock.advance(3600)
    const second = await getEnrolment(world.context, OPERATOR, id)
    expect(second.view.state).toBe('expired')
    expect(second.tag).not.toBe(first.tag)
  })
})

describe('step 4, the answer', () => {
  it('is kept with the set that it names, and answered again when it is repeated', async () => {
    const { world, phone, watch, set } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    const caller = await asDevice(world, phone)
    const answer = aPairingAnswer(id, watch, set)
    expect(await answerEnrolment(world.context, caller, id, answer)).toEqual({
      view: { state: 'answered' },
      created: true,
    })
    expect(await answerEnrolment(world.context, caller, id, answer)).toEqual({
      view: { state: 'answered' },
      created: false,
    })
    const { view } = await getEnrolment(world.context, asNewcomer(watch), id)
    expect(view).toMatchObject({ state: 'answered', answer, set: set.text })
    const other = { ...answer, mac: toBase64url(new Uint8Array(32)) }
    await expect(answerEnrolment(world.context, caller, id, other)).rejects.toMatchObject({ code: 'state-conflict' })
  })

  it('is given by a device of the user, not by its agent, N, a session or others', async () => {
    const { world, phone, watch, set } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    const answer = aPairingAnswer(id, watch, set)
    const stranger = await asDevice(world, await aStranger(world))
    for (const caller of [asNewcomer(watch), asSession(luis.id), OPERATOR, stranger]) {
      // Whatever its form: to them there is none (PROTOCOL 4).
      for (const given of [answer, { ...answer, answer: 'e30' }]) {
        await expect(answerEnrolment(world.context, caller, id, given)).rejects.toMatchObject({ code: 'not-found' })
      }
    }
    const agent = await asDevice(world, phone, 'access-signature')
    await expect(answerEnrolment(world.context, agent, id, answer)).rejects.toMatchObject({ code: 'access-denied' })
  })

  it('is about this enrolment, this statement and the newest set', async () => {
    const { world, phone, watch, set } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    const caller = await asDevice(world, phone)
    const elsewhere = aPairingAnswer('en_0hmxmww82hdavq3c19kc1pm9kn', watch, set)
    const aboutPhone = aPairingAnswer(id, phone, set)
    const notJson = { answer: toBase64url(utf8('{"v":1}')), mac: A_MAC }
    for (const answer of [elsewhere, aboutPhone, notJson]) {
      await expect(answerEnrolment(world.context, caller, id, answer)).rejects.toMatchObject({ code: 'malformed' })
    }
    const older = aPairingAnswer(id, watch, await aDeviceSet(luis, [phone], { at: NOW - 1 }))
    await expect(answerEnrolment(world.context, caller, id, older)).rejects.toMatchObject({ code: 'state-conflict' })
  })

  it('follows a claim, in time', async () => {
    const { world, phone, watch, set } = await aHome()
    const caller = await asDevice(world, phone)
    const open = await createEnrolment(world.context, caller, {})
    const early = answerEnrolment(world.context, caller, open.id, aPairingAnswer(open.id, watch, set))
    await expect(early).rejects.toMatchObject({ code: 'state-conflict', details: { state: 'open' } })
    const { id } = await claimedBy(world, phone, watch)
    world.clock.advance(3600)
    const late = answerEnrolment(world.context, caller, id, aPairingAnswer(id, watch, set))
    await expect(late).rejects.toMatchObject({ code: 'state-conflict', details: { state: 'expired' } })
  })
})

describe('step 5, the proof', () => {
  it('is given once by N, and answered again when it is repeated', async () => {
    const home = await aHome()
    const { world, phone, watch, set } = home
    const { id } = await provenBy(world, phone, watch, set)
    expect(await stateOf(home, id)).toBe('proven')
    expect((await getEnrolment(world.context, await asDevice(world, phone), id)).view.proof).toEqual(
      aPairingProof(watch),
    )
    const again = await proveEnrolment(world.context, asNewcomer(watch), id, aPairingProof(watch))
    expect(again).toEqual({ view: { state: 'proven' }, created: false })
    const other = { answers: [{ kid: watch.transport.kid, mac: toBase64url(new Uint8Array(32)) }] }
    await expect(proveEnrolment(world.context, asNewcomer(watch), id, other)).rejects.toMatchObject({
      code: 'state-conflict',
    })
  })

  it('follows an answer, is not by anybody else, and names each key once', async () => {
    const { world, phone, watch } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    const proof = aPairingProof(watch)
    const early = proveEnrolment(world.context, asNewcomer(watch), id, proof)
    await expect(early).rejects.toMatchObject({ code: 'state-conflict', details: { state: 'claimed' } })
    for (const caller of [await asDevice(world, phone), OPERATOR, asSession(luis.id)]) {
      await expect(proveEnrolment(world.context, caller, id, proof)).rejects.toMatchObject({ code: 'not-found' })
    }
    const twice = { answers: [...proof.answers, ...proof.answers] }
    await expect(proveEnrolment(world.context, asNewcomer(watch), id, twice)).rejects.toMatchObject({
      code: 'malformed',
    })
  })
})

describe('a denial', () => {
  it('by N or a device of the user ends an enrolment, once and for all', async () => {
    const home = await aHome()
    const { world, phone, watch, set } = home
    for (const by of ['N', 'A'] as const) {
      const { id } = await provenBy(world, phone, await aDevice(luis, { name: `watch ${by}` }), set)
      const caller = by === 'N' ? asNewcomer(await aDevice(luis, { name: 'watch N' })) : await asDevice(world, phone)
      const denied = await denyEnrolment(world.context, caller, id, { reason: 'possession-failed' })
      expect(denied).toEqual({ state: 'denied' })
      expect(await denyEnrolment(world.context, caller, id, { reason: 'declined' })).toEqual({ state: 'denied' })
      expect(await world.context.read.enrolment(id)).toMatchObject({ reason: 'possession-failed' })
      const late = answerEnrolment(world.context, await asDevice(world, phone), id, aPairingAnswer(id, watch, set))
      await expect(late).rejects.toMatchObject({ code: expect.stringMatching(/^(?:state-conflict|malformed)$/) })
    }
  })

  it('is not by others, not by an agent, and not of what is over', async () => {
    const { world, phone, watch } = await aHome()
    const { id } = await claimedBy(world, phone, watch)
    const deny = (caller: Caller) => denyEnrolment(world.context, caller, id, { reason: 'declined' })
    const stranger = await asDevice(world, await aStranger(world))
    await expect(deny(stranger)).rejects.toMatchObject({ code: 'not-found' })
    const agent = await asDevice(world, phone, 'access-signature')
    await expect(deny(agent)).rejects.toMatchObject({ code: 'access-denied' })
    world.clock.advance(3600)
    await expect(deny(await asDevice(world, phone))).rejects.toMatchObject({
      code: 'state-conflict',
      details: { state: 'expired' },
    })
  })
})
