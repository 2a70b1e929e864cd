import { generateKeyPairSync } from 'node:crypto'
import {
  type DevicePayload,
  type DeviceSetPayload,
  type ErrorCode,
  namedThumbprint,
  type OrderPayload,
  type Signer,
  type Statement,
  type TransportKeyInfo,
  type TransportKeyOffer,
  thumbprint,
} from '@keyferry/protocol'
import {
  aDevice,
  aDeviceSet,
  aDeviceStatement,
  aGrant,
  aHandoverSet,
  anOrderFor,
  aUser,
  aUserStatement,
  exampleSigner,
  exampleTransportKey,
  inSet,
  NOW,
} from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aPin,
  aSourceQuestion,
  aTrustWorld,
  CA,
  DEADLINE,
  nextSet,
  type Spoilt,
  sawSet,
  type TrustWorld,
  wrapFailsWith,
  wrapsWhen,
} from '../../test/trust-world.ts'
import type { OwnRecord } from './own-record.ts'
import { checkBeforeWrap, type SourceQuestion } from './source-checks.ts'
import { DEFAULT_RULES } from './trust-state.ts'

const STRANGER = aUser('stranger')
const OTHER_ORIGIN = 'https://other.example'
const THUMBPRINT = exampleSigner('nobody').id

let world: TrustWorld
beforeEach(async () => {
  world = await aTrustWorld()
})

it('finds nothing against what an honest server says, and learns from it', async () => {
  const { target, marta, log, luisSet, martaSet } = world
  const checked = await wrapsWhen(world)
  expect(checked).toMatchObject({
    order: null,
    target: { id: target.id },
    targetRoot: { user: marta.id, how: 'pinned' },
    key: { alg: 'HPKE-7', kid: target.transport.kid, exposure: { source: 'software', target: 'software' } },
  })
  expect(checked.learned).toEqual({
    users: [sawSet(luisSet), sawSet(martaSet)],
    devices: [{ device: target.id, seq: 1, ref: target.statement.ref }],
    names: [],
    pins: [],
    checkpoint: { note: await log.checkpoint(), ...log.mark() },
    trust: null,
  })
})

describe('the KtI (S2)', () => {
  it.each<[string, (kti: TransportKeyInfo) => Partial<TransportKeyInfo>]>([
    ['of another origin', () => ({ origin: OTHER_ORIGIN })],
    ['of another delivery', () => ({ dl: 'dl_00000000000000000000000001' as TransportKeyInfo['dl'] })],
    ['for another source', ({ source, target }) => ({ source: { ...source, device: target.device } })],
    ['whose deadline has come', () => ({ deadline: NOW })],
    [
      'with a statement under another’s name',
      ({ statements }) => ({ statements: { ...statements, [THUMBPRINT]: 'e30.e30.e30' } }),
    ],
  ])('%s is refused', async (_, members) => {
    const { kti } = await aSourceQuestion(world)
    await wrapFailsWith('kti-invalid', world, { kti: members(kti) })
  })
})

describe('the key (S4)', () => {
  async function recordOf(members: Partial<OwnRecord>): Promise<Partial<SourceQuestion>> {
    const { record } = await aSourceQuestion(world)
    return { record: { ...(record as OwnRecord), ...members } }
  }
  const key = { class: 'shared', generation: 1, type: 'secret' } as const

  it('is one that this device holds', async () => {
    await wrapFailsWith('key-absent', world, {}, { record: null })
  })

  it('is what my record says', async () => {
    const { kti } = await aSourceQuestion(world)
    const { id } = kti.key
    await wrapFailsWith('key-mismatch', world, {}, await recordOf({ key: { ...key, id, type: 'aes' } }))
    await wrapFailsWith('key-mismatch', world, {}, await recordOf({ key: { ...key, id, usages: ['sign'] } }))
    await wrapFailsWith('key-mismatch', world, {}, await recordOf({ username: 'marta' }))
    await wrapFailsWith('key-mismatch', world, {}, await recordOf({ container: 'ct_1' as OwnRecord['container'] }))
  })

  it.each([1, 3])('is of my generation, not of generation %i', async (generation) => {
    const { kti } = await aSourceQuestion(world)
    await wrapFailsWith(
      'generation-old',
      world,
      { kti: { key: { ...kti.key, generation } } },
      await recordOf({ key: { ...kti.key, generation: 2 } }),
    )
  })
})

describe.each<['luis' | 'marta', string]>([
  ['luis', 'S5'],
  ['marta', 'S8'],
])('the set of %s (%s)', (whose) => {
  const spoilt = (set: Statement<DeviceSetPayload>): Spoilt => (whose === 'luis' ? { luisSet: set } : { martaSet: set })
  const setOf = (): Statement<DeviceSetPayload> => (whose === 'luis' ? world.luisSet : world.martaSet)
  const remembering = (seen: ReturnType<typeof sawSet>): Spoilt => ({
    remembered: { pins: [aPin(world.marta)], users: [seen] },
  })

  it('is there', async () => {
    await wrapFailsWith('kti-invalid', world, { unsent: [setOf().ref] })
  })

  it('is one of that user, for this origin, by his root', async () => {
    const device = whose === 'luis' ? world.source : world.target
    const user = whose === 'luis' ? world.luis : world.marta
    await wrapFailsWith('set-invalid', world, spoilt(await aDeviceSet(STRANGER, [device])))
    await wrapFailsWith('set-invalid', world, spoilt(await nextSet(world, whose, { origin: OTHER_ORIGIN })))
    await wrapFailsWith('set-invalid', world, spoilt(await aDeviceSet(user, [device], { root: STRANGER.root })))
    const forged = { ...STRANGER.root, id: user.root.id, jwk: user.root.jwk }
    await wrapFailsWith('set-invalid', world, spoilt(await aDeviceSet(user, [device], { root: forged })))
  })

  it('is never an older one than was seen', async () => {
    const second = await nextSet(world, whose)
    await wrapFailsWith('set-rollback', world, remembering(sawSet(second)))
    await wrapFailsWith('set-rollback', world, remembering(sawSet(setOf(), { ref: second.ref })))
    await wrapFailsWith('set-rollback', world, remembering(sawSet(setOf(), { handovers: [THUMBPRINT] })))
    expect(await wrapsWhen(world, remembering(sawSet(setOf())))).toMatchObject({ order: null })
    expect(await wrapsWhen(world, { ...remembering(sawSet(setOf())), ...spoilt(second) })).toMatchObject({
      order: null,
    })
  })

  it('is in time', async () => {
    await wrapFailsWith('set-expired', world, spoilt(await nextSet(world, whose, { iat: NOW - 10, exp: NOW })))
    await wrapFailsWith('set-invalid', world, spoilt(await nextSet(world, whose, { iat: NOW + 61, exp: NOW + 100 })))
    expect(await wrapsWhen(world, spoilt(await nextSet(world, whose, { iat: NOW + 60, exp: NOW + 100 })))).toBeDefined()
  })

  it('is no older than my rules allow', async () => {
    const set = await nextSet(world, whose, { iat: NOW - 101, exp: NOW + 1 })
    await wrapFailsWith('set-expired', world, spoilt(set), { rules: { ...DEFAULT_RULES, maxSetAgeSeconds: 100 } })
    expect(await wrapsWhen(world, spoilt(set), { rules: { ...DEFAULT_RULES, maxSetAgeSeconds: 101 } })).toBeDefined()
  })

  it('lists the device in its role', async () => {
    const [user, device, other, role] =
      whose === 'luis'
        ? [world.luis, world.source, world.tablet, 'source' as const]
        : [world.marta, world.target, await aDevice(world.marta, { name: 'laptop' }), 'target' as const]
    const roles = (['source', 'target', 'order'] as const).filter((one) => one !== role)
    await wrapFailsWith('device-revoked', world, spoilt(await aDeviceSet(user, [other])))
    await wrapFailsWith('device-revoked', world, spoilt(await aDeviceSet(user, [other], { revoked: [device] })))
    await wrapFailsWith('device-revoked', world, spoilt(await aDeviceSet(user, [inSet(device, { roles })])))
  })

  it('brings only hand-over sets that are in the log, as far as they are new', async () => {
    const [user, device] = whose === 'luis' ? [world.luis, world.source] : [world.marta, world.target]
    const root = exampleSigner(`${user.username} root 2`)
    const handover = await aHandoverSet(user, { after: setOf(), to: root })
    const set = await aDeviceSet(user, [device], { after: handover, root, handovers: [handover] })
    await wrapFailsWith('proof-invalid', world, spoilt(set))
    const { learned } = await wrapsWhen(world, { ...spoilt(set), logged: [handover] })
    expect(learned.users[whose === 'luis' ? 0 : 1]).toMatchObject({ handovers: [handover.ref], root: root.id })
    const seen = sawSet(set, { handovers: [handover.ref] })
    expect(await wrapsWhen(await aTrustWorld(), { ...spoilt(set), ...remembering(seen) })).toBeDefined()
  })

  it('is in the log', async () => {
    await wrapFailsWith('proof-invalid', world, { unproved: ({ ref }) => ref === setOf().ref })
  })
})

describe('what my own set says to trust (S5)', () => {
  const certified: Spoilt['remembered'] = { pins: [] }

  it('counts from here, and is learned', async () => {
    const certificate = await aUserStatement(world.marta, CA)
    const trust = { cas: [CA.id], witnesses: [], quorum: 0, log: world.log.vkey }
    await wrapFailsWith('target-untrusted', world, { more: [certificate], remembered: certified })
    const luisSet = await nextSet(world, 'luis', { trust })
    const { learned } = await wrapsWhen(world, { luisSet, more: [certificate], remembered: certified })
    expect(learned.trust).toEqual(trust)
    expect(learned.users[0]).toMatchObject({ hadTrust: true })
  })

  it('may not go missing', async () => {
    const remembered = { pins: [aPin(world.marta)], users: [sawSet(world.luisSet, { hadTrust: true })] }
    await wrapFailsWith('set-invalid', world, { remembered })
  })

  it('is asked of nobody else', async () => {
    const remembered = { pins: [aPin(world.marta)], users: [sawSet(world.martaSet, { hadTrust: true })] }
    expect((await wrapsWhen(world, { remembered })).learned.users[1]).toMatchObject({ hadTrust: true })
  })
})

describe('an order (S6)', () => {
  async function ordered(
    members: Partial<OrderPayload> = {},
    { signer = world.source.signer as Signer, ...spoilt }: Spoilt & { signer?: Signer } = {},
  ): Promise<Spoilt> {
    const { kti } = await aSourceQuestion(world)
    return { ...spoilt, kti: { order: (await anOrderFor(signer, kti, members)).text, ...spoilt.kti } }
  }

  it('is waited for by a device that never orders', async () => {
    const rules = { ...DEFAULT_RULES, selfOrder: false }
    await wrapFailsWith('order-missing', world, {}, { rules })
    expect(await wrapsWhen(world, await ordered(), { rules })).toMatchObject({ permitted: { grant: null } })
  })

  it('is read strictly', async () => {
    await wrapFailsWith('order-invalid', world, { kti: { order: 'e30.e30.e30' } })
  })

  it('is by whoever may order', async () => {
    expect(await wrapsWhen(world, await ordered({}, { signer: world.tablet.signer }))).toBeDefined()
    await wrapFailsWith('order-invalid', world, await ordered({}, { signer: STRANGER.root }))
    const forged = { ...STRANGER.root, id: world.tablet.id, jwk: world.tablet.signer.jwk }
    await wrapFailsWith('order-invalid', world, await ordered({}, { signer: forged }))
  })

  it('is in time', async () => {
    await wrapFailsWith('order-expired', world, await ordered({ iat: NOW - 10, exp: NOW }))
    await wrapFailsWith('order-invalid', world, await ordered({ iat: NOW + 61, exp: DEADLINE }))
  })

  it('says what the KtI says', async () => {
    await wrapFailsWith('order-mismatch', world, await ordered({ redelivery: true }))
    await wrapFailsWith('order-mismatch', world, await ordered({ kid: THUMBPRINT }))
  })

  it('takes the transport key that I would', async () => {
    const { target } = world
    const newer = exampleTransportKey('newer')
    const offer = target.statement.payload.enc[0] as DevicePayload['enc'][0]
    const targetStatement = await aDeviceStatement(target, {
      seq: 2,
      enc: [offer, { ...offer, jwk: newer.jwk, nbf: NOW + 1 }],
    })
    const options = [
      { alg: 'HPKE-7', kid: target.transport.kid },
      { alg: 'HPKE-7', kid: newer.kid },
    ]
    expect(
      await wrapsWhen(world, await ordered({ kid: newer.kid }, { targetStatement, kti: { options } })),
    ).toBeDefined()
    await wrapFailsWith('alg-not-allowed', world, await ordered({}, { targetStatement, kti: { options } }))
  })

  it('takes the suite that I would', async () => {
    const { kid } = world.target.transport
    const options = [
      { alg: 'HPKE-7', kid },
      { alg: 'HPKE-9', kid },
    ]
    expect(await wrapsWhen(world, await ordered({}, { kti: { options } }))).toBeDefined()
    await wrapFailsWith('alg-not-allowed', world, await ordered({ alg: 'HPKE-9' }, { kti: { options } }))
  })

  describe('by a grantee', () => {
    const grantee = exampleSigner('shop')
    const shared = { classes: ['shared' as const], to: { own: false, users: [], cas: [CA.id] } }

    async function granted(members: Parameters<typeof aGrant>[2] = {}, spoilt: Spoilt = {}): Promise<Spoilt> {
      const grant = await aGrant(world.luis, grantee, { ...shared, ...members })
      const certificate = await aUserStatement(world.marta, CA)
      return ordered({ grant: grant.ref }, { signer: grantee, more: [grant, certificate], ...spoilt })
    }

    it('is permitted by a grant that covers it', async () => {
      expect((await wrapsWhen(world, await granted())).permitted?.grant).not.toBeNull()
      await wrapFailsWith('grant-exceeded', world, await granted({ algs: ['HPKE-9'] }))
    })

    it('needs that grant', async () => {
      await wrapFailsWith('order-invalid', world, await ordered({ grant: THUMBPRINT }, { signer: grantee }))
    })

    it('needs one of the owner himself, that is alive', async () => {
      await wrapFailsWith('order-invalid', world, await granted({ iat: NOW - 10, exp: NOW }))
      await wrapFailsWith('order-invalid', world, await granted({ origin: OTHER_ORIGIN }))
      const forged = await aGrant(world.luis, grantee, shared, NOW, STRANGER.root)
      await wrapFailsWith(
        'order-invalid',
        world,
        await ordered({ grant: forged.ref }, { signer: grantee, more: [forged] }),
      )
      const wrong = { ...STRANGER.root, id: world.luis.root.id, jwk: world.luis.root.jwk }
      const unsigned = await aGrant(world.luis, grantee, shared, NOW, wrong)
      await wrapFailsWith(
        'order-invalid',
        world,
        await ordered({ grant: unsigned.ref }, { signer: grantee, more: [unsigned] }),
      )
    })

    it('goes to whom a CA of the grant certifies, truly and now', async () => {
      const grant = await aGrant(world.luis, grantee, shared)
      const withCertificate = async (
        certificate: Statement<never> | Awaited<ReturnType<typeof aUserStatement>>,
      ): Promise<Spoilt> => ordered({ grant: grant.ref }, { signer: grantee, more: [grant, certificate] })
      await wrapFailsWith(
        'grant-exceeded',
        world,
        await ordered({ grant: grant.ref }, { signer: grantee, more: [grant] }),
      )
      const forged = { ...STRANGER.root, id: CA.id, jwk: CA.jwk }
      await wrapFailsWith('grant-exceeded', world, await withCertificate(await aUserStatement(world.marta, forged)))
      const expired = { iat: NOW - 10, exp: NOW }
      await wrapFailsWith(
        'grant-exceeded',
        world,
        await withCertificate(await aUserStatement(world.marta, CA, expired)),
      )
      await wrapFailsWith('grant-exceeded', world, await withCertificate(await aUserStatement(STRANGER, CA)))
      const foreign = { origin: OTHER_ORIGIN }
      await wrapFailsWith(
        'grant-exceeded',
        world,
        await withCertificate(await aUserStatement(world.marta, CA, foreign)),
      )
    })

    it.each(['kf-grant+jwt', 'kf-user+jwt'] as const)('needs its %s in the log (S11)', async (typ) => {
      await wrapFailsWith('proof-invalid', world, await granted({}, { unproved: (leaf) => leaf.typ === typ }))
    })
  })
})

describe('the root of the target’s user (S7)', () => {
  const trusted = { trust: { cas: [CA.id] }, pins: [] }
  const certifying = async (members: Parameters<typeof aUserStatement>[2] = {}, ca = CA): Promise<Spoilt> => ({
    more: [await aUserStatement(world.marta, ca, members)],
    remembered: trusted,
  })

  it('is believed of nobody without proof', async () => {
    await wrapFailsWith('target-untrusted', world, { remembered: { pins: [] } })
  })

  it('is believed of whom a CA certifies, and remembered', async () => {
    const { marta } = world
    const { targetRoot, learned } = await wrapsWhen(world, await certifying())
    expect(targetRoot).toMatchObject({ how: 'certified', username: 'marta' })
    expect(learned.names).toMatchObject([{ ca: CA.id, username: 'marta', user: marta.id }])
  })

  it('is not believed for the sake of a certificate that does not count', async () => {
    const forged = { ...STRANGER.root, id: CA.id, jwk: CA.jwk }
    await wrapFailsWith('target-untrusted', world, await certifying({}, exampleSigner('other ca')))
    await wrapFailsWith('target-untrusted', world, await certifying({}, forged as typeof CA))
    await wrapFailsWith('target-untrusted', world, await certifying({ origin: OTHER_ORIGIN }))
    await wrapFailsWith('target-untrusted', world, await certifying({ iat: NOW - 10, exp: NOW }))
    await wrapFailsWith('target-untrusted', world, await certifying({ iat: NOW + 61, exp: NOW + 100 }))
    await wrapFailsWith('target-untrusted', world, { more: [await aUserStatement(STRANGER, CA)], remembered: trusted })
  })

  it('goes by what the newest certificate says', async () => {
    const newer = await aUserStatement(world.marta, CA, { username: 'marta2', iat: NOW + 1 })
    const older = await aUserStatement(world.marta, CA)
    for (const more of [
      [newer, older],
      [older, newer],
    ]) {
      const { targetRoot } = await wrapsWhen(await aTrustWorld(), { more, remembered: trusted })
      expect(targetRoot.username).toBe('marta2')
    }
  })

  it('goes by the name that was named', async () => {
    expect(await wrapsWhen(world, {}, { expectedName: 'marta' })).toBeDefined()
    await wrapFailsWith('pin-conflict', world, {}, { expectedName: 'eva' })
    await wrapFailsWith('target-untrusted', world, await certifying(), { expectedName: 'eva' })
  })

  it('goes by the name that a key of class user has', async () => {
    const { kti } = await aSourceQuestion(world)
    const key = { ...kti.key, class: 'user' as const }
    const named = async (username: string): Promise<[Spoilt, Partial<SourceQuestion>]> => {
      const question = await aSourceQuestion(world, { kti: { key, username } })
      return [{ kti: { key, username } }, { record: { ...(question.record as OwnRecord), username } }]
    }
    expect(await wrapsWhen(world, ...(await named('marta')))).toBeDefined()
    await wrapFailsWith('pin-conflict', world, ...(await named('eva')))
  })

  it.each<[string, Parameters<typeof aPin>[1] & object, boolean]>([
    ['this root another name', { username: 'eva' }, false],
    ['this name to another root', { user: STRANGER.id, username: 'marta' }, false],
  ])('is in conflict if a pin gives %s than a CA does', async (_, pin) => {
    const spoilt = await certifying()
    await wrapFailsWith('pin-conflict', world, {
      ...spoilt,
      remembered: { ...trusted, pins: [aPin(world.marta, pin)] },
    })
  })

  it('is ambiguous if the CA gave the name to another before, unless it says that it replaces that', async () => {
    const names = [{ ca: CA.id, username: 'marta', user: STRANGER.id, ref: THUMBPRINT }]
    const remembered = { ...trusted, names }
    await wrapFailsWith('user-ambiguous', world, { ...(await certifying()), remembered })
    await wrapFailsWith('user-ambiguous', world, {
      ...(await certifying({ replaces: [world.luisSet.ref] })),
      remembered,
    })
    expect(await wrapsWhen(world, { ...(await certifying({ replaces: [THUMBPRINT] })), remembered })).toBeDefined()
  })

  it('is followed by the root that pin or certificate says is the current one', async () => {
    const later = exampleSigner('marta root 2').id
    const remembered = { pins: [aPin(world.marta, { root: later })] }
    await wrapFailsWith('set-rollback', world, { remembered })
    await wrapFailsWith('set-rollback', world, await certifying({ root: later }))
    expect(
      await wrapsWhen(world, { remembered: { pins: [aPin(world.marta, { root: world.marta.id })] } }),
    ).toBeDefined()
  })

  it('is believed once under a rule, by a name that nobody else has', async () => {
    const rules = { ...DEFAULT_RULES, tofu: true }
    const remembered = { pins: [] }
    const { targetRoot, learned } = await wrapsWhen(world, { remembered }, { rules, expectedName: 'marta' })
    expect(targetRoot.how).toBe('tofu')
    expect(learned.pins).toMatchObject([{ user: world.marta.id, username: 'marta', how: 'tofu', since: NOW }])
    await wrapFailsWith('target-untrusted', world, { remembered }, { rules })
    const taken = { pins: [aPin(STRANGER, { username: 'marta' })] }
    await wrapFailsWith('target-untrusted', world, { remembered: taken }, { rules, expectedName: 'marta' })
  })

  it('needs its certificate in the log (S11)', async () => {
    await wrapFailsWith('proof-invalid', world, {
      ...(await certifying()),
      unproved: ({ typ }) => typ === 'kf-user+jwt',
    })
  })
})

describe('the target (S8)', () => {
  it('is of a kind that my rules allow', async () => {
    await wrapFailsWith('declined', world, {}, { rules: { ...DEFAULT_RULES, targetKinds: ['tpm'] } })
  })

  it('is a browser only for a key whose record says so', async () => {
    const { record } = await aSourceQuestion(world)
    const martaSet = await aDeviceSet(world.marta, [inSet(world.target, { kind: 'browser' })])
    await wrapFailsWith('declined', world, { martaSet })
    const browsers = { record: { ...(record as OwnRecord), browsers: true } }
    expect(await wrapsWhen(world, { martaSet }, browsers)).toBeDefined()
    await wrapFailsWith('declined', world, {}, { ...browsers, rules: { ...DEFAULT_RULES, targetKinds: ['tpm'] } })
  })
})

describe('the target’s statement (S9)', () => {
  it('is there', async () => {
    await wrapFailsWith('kti-invalid', world, { unsent: [world.target.statement.ref] })
  })

  it('is by the target, for this user and origin', async () => {
    const { target, marta } = world
    const laptop = await aDevice(marta, { name: 'laptop' })
    const forged = { ...STRANGER.root, id: target.id, jwk: target.signer.jwk }
    const ofStranger = await aDeviceStatement(target, { user: STRANGER.id })
    const elsewhere = await aDeviceStatement(target, { origin: OTHER_ORIGIN })
    const unsigned = await aDeviceStatement(target, {}, NOW, forged)
    for (const targetStatement of [laptop.statement, ofStranger, elsewhere, unsigned]) {
      await wrapFailsWith('statement-invalid', world, { targetStatement })
    }
  })

  it('is never an older one than was seen, or than the set asks for', async () => {
    const { target, marta } = world
    const saw = (seq: number, ref = THUMBPRINT): Spoilt => ({
      remembered: { pins: [aPin(marta)], devices: [{ device: target.id, seq, ref }] },
    })
    await wrapFailsWith('statement-rollback', world, saw(2))
    await wrapFailsWith('statement-rollback', world, saw(1))
    expect(await wrapsWhen(world, saw(1, target.statement.ref))).toBeDefined()
    const targetStatement = await aDeviceStatement(target, { seq: 2 })
    expect(await wrapsWhen(world, { ...saw(1), targetStatement })).toBeDefined()
    const martaSet = await aDeviceSet(marta, [inSet(target, { seq: 2 })])
    await wrapFailsWith('statement-rollback', world, { martaSet })
  })

  it('is in time', async () => {
    const { target } = world
    const expired = await aDeviceStatement(target, { iat: NOW - 10, exp: NOW })
    await wrapFailsWith('statement-expired', world, { targetStatement: expired })
    const early = await aDeviceStatement(target, { iat: NOW + 61, exp: NOW + 100 })
    await wrapFailsWith('statement-invalid', world, { targetStatement: early })
  })
})

function anRsaKey(): TransportKeyOffer['jwk'] {
  const { kty, n, e } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
  return { kty, n, e } as TransportKeyOffer['jwk']
}

describe('the transport key (S10)', () => {
  const MUST = { source: 'in-device', target: 'software' } as const
  const TARGET_MUST = { source: 'software', target: 'in-device' } as const

  async function offering(
    enc: (offer: DevicePayload['enc'][0]) => DevicePayload['enc'],
    kti: Spoilt['kti'] = {},
  ): Promise<Spoilt> {
    const [offer] = world.target.statement.payload.enc
    return { targetStatement: await aDeviceStatement(world.target, { enc: enc(offer as typeof offer & object) }), kti }
  }
  async function recordOf(members: Partial<OwnRecord>): Promise<Partial<SourceQuestion>> {
    const { record } = await aSourceQuestion(world)
    return { record: { ...(record as OwnRecord), ...members } }
  }
  const fails = (code: ErrorCode, spoilt: Spoilt, question: Partial<SourceQuestion> = {}): Promise<void> =>
    wrapFailsWith(code, world, spoilt, question)

  it('is one that the target signed', async () => {
    const { kid } = world.target.transport
    const options = [
      { alg: 'HPKE-7', kid },
      { alg: 'HPKE-7', kid: THUMBPRINT },
    ]
    await fails('transport-key-unknown', { kti: { options } })
  })

  it('is for a mechanism and a suite that my record, my rules and I allow', async () => {
    await fails('alg-not-allowed', {}, await recordOf({ mechanisms: [] }))
    await fails('alg-not-allowed', {}, await recordOf({ algs: ['RSA-OAEP-256'] }))
    await fails('alg-not-allowed', {}, { wrap: [{ alg: 'RSA-OAEP-256', exposure: 'software' }] })
    await fails('alg-not-allowed', {}, { rules: { ...DEFAULT_RULES, suites: ['RSA-OAEP-256'] } })
    const directory = { mechanism: 'directory', directory: 'corp' } as const
    await fails('alg-not-allowed', { kti: directory }, await recordOf({ mechanisms: ['directory'] }))
  })

  it('is the best one, which the options do not leave out', async () => {
    await fails('alg-not-allowed', { kti: { options: [] } })
    const newer = exampleTransportKey('newer')
    const two = await offering((offer) => [offer, { ...offer, jwk: newer.jwk, nbf: NOW + 1 }])
    await fails('alg-not-allowed', two)
    const both = [
      { alg: 'HPKE-7', kid: world.target.transport.kid },
      { alg: 'HPKE-7', kid: newer.kid },
    ]
    expect((await wrapsWhen(world, { ...two, kti: { options: both } })).key.kid).toBe(newer.kid)
  })

  it('is one of the same suite in options and statement', async () => {
    const { kid } = world.target.transport
    await fails('alg-not-allowed', { kti: { options: [{ alg: 'HPKE-9', kid }] } })
  })

  it('is not the best one only if a rule allows less', async () => {
    const rules = { ...DEFAULT_RULES, lesserOption: true }
    await fails('alg-not-allowed', { kti: { options: [] } }, { rules })
    const jwk = anRsaKey()
    const kid = namedThumbprint(jwk)
    const both = {
      ...(await recordOf({ algs: ['HPKE-7', 'RSA-OAEP-256'] })),
      wrap: ['HPKE-7', 'RSA-OAEP-256'].map((alg) => ({ alg, exposure: 'software' as const })),
    }
    const blob = { jwk, alg: 'RSA-OAEP-256', owner: world.luis.id }
    const options = [{ alg: 'RSA-OAEP-256', kid }]
    const lesser = await offering((offer) => [offer, { ...offer, ...blob }], { options })
    await fails('alg-not-allowed', lesser, both)
    expect((await wrapsWhen(world, lesser, { ...both, rules })).key).toMatchObject({ alg: 'RSA-OAEP-256', kid })
  })

  it('is one offered once, where it is named, and else none of those', async () => {
    const once = exampleTransportKey('once')
    const spoilt = await offering((offer) => [offer, { ...offer, jwk: once.jwk, once: true, nbf: NOW - 5 }])
    const { kid } = world.target.transport
    expect((await wrapsWhen(world, spoilt)).key.kid).toBe(kid)
    const options = [{ alg: 'HPKE-7', kid: once.kid }]
    expect((await wrapsWhen(world, { ...spoilt, kti: { options } })).key.kid).toBe(once.kid)
  })

  it('is in time', async () => {
    await fails('transport-key-expired', await offering((offer) => [{ ...offer, nbf: NOW - 10, exp: NOW }]))
    await fails('transport-key-expired', await offering((offer) => [{ ...offer, nbf: NOW + 61, exp: NOW + 90 }]))
  })

  it('takes keys of this owner, where its suite takes those of one', async () => {
    const question = {
      ...(await recordOf({ algs: ['RSA-OAEP-256'] })),
      wrap: [{ alg: 'RSA-OAEP-256', exposure: 'software' as const }],
    }
    const blob = (owner: DevicePayload['user'] | undefined, jwk = anRsaKey()): Promise<Spoilt> =>
      offering((offer) => [{ ...offer, jwk, alg: 'RSA-OAEP-256', ...(owner === undefined ? {} : { owner }) }], {
        options: [{ alg: 'RSA-OAEP-256', kid: namedThumbprint(jwk) }],
      })
    await fails('transport-key-foreign', await blob(undefined), question)
    await fails('transport-key-foreign', await blob(STRANGER.id), question)
    expect((await wrapsWhen(world, await blob(world.luis.id), question)).key.alg).toBe('RSA-OAEP-256')
    // Of another kind than the suite takes.
    await fails('public-key-invalid', await blob(world.luis.id, world.target.transport.jwk), question)
  })

  it('is a valid point', async () => {
    const jwk = { ...world.target.transport.jwk, y: world.target.transport.jwk.x }
    const options = [{ alg: 'HPKE-7', kid: thumbprint(jwk) }]
    await fails('public-key-invalid', await offering((offer) => [{ ...offer, jwk }], { options }))
  })

  it('is of a kind that I know', async () => {
    const jwk = { kty: 'OKP', crv: 'X448', x: 'AAAA' }
    await fails('public-key-invalid', await offering((offer) => [{ ...offer, jwk }], { options: [] }))
  })

  it('exposes the key no more than KtI and own record allow', async () => {
    await fails('exposure-too-low', { kti: { minExposure: MUST } })
    await fails('exposure-too-low', { kti: { minExposure: TARGET_MUST } })
    await fails('exposure-too-low', {}, await recordOf({ minExposure: MUST }))
    await fails('exposure-too-low', {}, await recordOf({ minExposure: TARGET_MUST }))
    const inDevice = { wrap: [{ alg: 'HPKE-7', exposure: 'in-device' as const }] }
    expect((await wrapsWhen(world, { kti: { minExposure: MUST } }, inDevice)).key.exposure.source).toBe('in-device')
  })
})

describe('the log (S11)', () => {
  it('has both statements', async () => {
    const { source, target } = world
    await wrapFailsWith('proof-invalid', world, { unproved: ({ ref }) => ref === source.statement.ref })
    await wrapFailsWith('proof-invalid', world, { unproved: ({ ref }) => ref === target.statement.ref })
  })

  it('is the one that is trusted, and signed the checkpoint', async () => {
    const other = (await aTrustWorld()).log
    const remembered = { pins: [aPin(world.marta)], trust: { log: other.vkey } }
    await wrapFailsWith('checkpoint-invalid', world, { remembered })
  })

  it('was seen lately by as many witnesses as the quorum', async () => {
    const remembered = { pins: [aPin(world.marta)], trust: { quorum: 1 } }
    await wrapFailsWith('checkpoint-stale', world, { remembered })
  })

  describe('that was seen before', () => {
    async function seen(size: number, log = world.log): Promise<Spoilt> {
      const checkpoint = { note: await log.checkpoint(size), ...log.mark(size) }
      return { remembered: { pins: [aPin(world.marta)], checkpoint } }
    }

    it('only grew, by the proof that came or one that is fetched', async () => {
      await aSourceQuestion(world) // four leaves
      const question = await aSourceQuestion(world, await seen(3), {
        consistency: () => Promise.reject(new Error('asked')),
      })
      const consistency = world.log.consistency(3, 8)
      const told = { ...question, kti: { ...question.kti, consistency }, since: 3 }
      expect(await checkBeforeWrap(told)).toBeDefined()
      await expect(checkBeforeWrap({ ...told, since: 2 })).rejects.toThrow('asked')
      expect(await checkBeforeWrap({ ...told, since: 2, consistency: async () => consistency })).toBeDefined()
    })

    it('did not go back', async () => {
      const { log } = await aTrustWorld()
      log.append(
        ...Array.from({ length: 9 }, () => ({ typ: 'kf-grant+jwt', ref: THUMBPRINT, user: STRANGER.id }) as const),
      )
      await wrapFailsWith('checkpoint-stale', world, await seen(9, log))
    })

    it('is no other one, of which both notes are kept', async () => {
      const { log } = await aTrustWorld()
      log.append(
        ...Array.from({ length: 4 }, () => ({ typ: 'kf-grant+jwt', ref: THUMBPRINT, user: STRANGER.id }) as const),
      )
      const spoilt = await seen(3, log)
      await expect(wrapsWhen(world, spoilt)).rejects.toMatchObject({
        code: 'log-inconsistent',
        details: { mine: spoilt.remembered?.checkpoint?.note, shown: await world.log.checkpoint(4) },
      })
      await wrapFailsWith('log-inconsistent', await aTrustWorld(), await seen(4, log))
    })

    it('starts afresh under a key that the own set accepts', async () => {
      const { log } = await aTrustWorld()
      log.append(
        ...Array.from({ length: 9 }, () => ({ typ: 'kf-grant+jwt', ref: THUMBPRINT, user: STRANGER.id }) as const),
      )
      const spoilt = await seen(9, log)
      const remembered = { ...spoilt.remembered, trust: { log: log.vkey } }
      const trust = { cas: [], witnesses: [], quorum: 0, log: world.log.vkey }
      expect(await wrapsWhen(world, { remembered, luisSet: await nextSet(world, 'luis', { trust }) })).toBeDefined()
    })
  })
})
