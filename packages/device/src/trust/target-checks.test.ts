import {
  type DevicePayload,
  type KeyTransferInfo,
  type OrderPayload,
  type TransportKeyInfo,
  toBase64url,
  type UserId,
  utf8,
} from '@keyferry/protocol'
import {
  aDevice,
  aDeviceSet,
  aGrant,
  aHandoverSet,
  aUser,
  aUserStatement,
  DAY_SECONDS,
  exampleSigner,
  exampleTransportKey,
  inSet,
  NOW,
} from '@keyferry/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  acceptFailsWith,
  acceptsWhen,
  aPin,
  aSourceQuestion,
  aTargetQuestion,
  aTrustWorld,
  CA,
  nextSet,
  type Spoilt,
  type SpoiltEnvelope,
  sawSet,
  type TrustWorld,
} from '../../test/trust-world.ts'
import { checkBeforeAccept, type TargetQuestion } from './target-checks.ts'
import { DEFAULT_RULES } from './trust-state.ts'

const STRANGER = aUser('stranger')
const OTHER_ORIGIN = 'https://other.example'
const THUMBPRINT = exampleSigner('nobody').id
/** When a key was wrapped that came late. */
const EARLIER = NOW - 1000

let world: TrustWorld
beforeEach(async () => {
  world = await aTrustWorld()
})

const says = (kti: Partial<KeyTransferInfo>): SpoiltEnvelope => ({ envelope: { kti } })
const ordering = (order: Partial<OrderPayload>, kti: Partial<KeyTransferInfo> = {}): SpoiltEnvelope => ({
  envelope: { order, kti },
})

it('finds nothing against what an honest source sent, and learns from it', async () => {
  const { luis, source, log, luisSet, martaSet } = world
  const checked = await acceptsWhen(world)
  expect(checked).toMatchObject({
    owner: luis.id,
    ownerRoot: { user: luis.id, how: 'pinned' },
    source: { id: source.id },
    exposure: 'software',
  })
  expect(checked.learned).toEqual({
    users: [sawSet(martaSet), sawSet(luisSet)],
    devices: [],
    names: [],
    pins: [],
    checkpoint: { note: await log.checkpoint(), ...log.mark() },
    trust: null,
  })
})

it('finds nothing against a key that goes to a device of its own user', async () => {
  const { luis, luisSet, tablet } = world
  const own = { ...world, marta: luis, martaSet: luisSet, target: tablet }
  const { ownerRoot, learned } = await acceptsWhen(own, { remembered: { pins: [] } }, { rules: DEFAULT_RULES })
  expect(ownerRoot.how).toBe('own')
  expect(learned.users).toEqual([sawSet(luisSet)])
})

describe('the envelope (T2)', () => {
  it('is the one that was announced', async () => {
    const { answer } = await aTargetQuestion(world)
    await acceptFailsWith('binding-mismatch', world, { answer: { envelope: answer.envelope } })
    await acceptFailsWith('binding-mismatch', world, { answer: { binding: toBase64url(utf8('{}')) } })
  })

  it('is read strictly', async () => {
    await acceptFailsWith('envelope-malformed', world, {}, { envelopeOctets: utf8('{}') })
  })

  it('holds a wrapped key of the form of its suite', async () => {
    const wrapped = (cut: number) => (one: object) => {
      const { ciphertext = '' } = one as { ciphertext?: string }
      return { ...one, ciphertext: ciphertext.slice(0, -cut) } as never
    }
    await acceptFailsWith('envelope-malformed', world, { envelope: { wrapped: wrapped(4) } })
  })

  it.each<[string, Partial<KeyTransferInfo>]>([
    ['of another origin', { origin: OTHER_ORIGIN }],
    ['of another delivery', { dl: 'dl_00000000000000000000000001' as KeyTransferInfo['dl'] }],
    ['for another device', { dst: exampleSigner('luis tablet').id }],
    ['for another user', { dstUser: STRANGER.id }],
    ['under a transport key of somebody else', { kid: THUMBPRINT }],
  ])('is not one %s', async (_, kti) => {
    await acceptFailsWith('binding-mismatch', world, says(kti))
  })

  it('is for a transport key that I offered, and of its suite', async () => {
    await acceptFailsWith('binding-mismatch', world, {}, { transportKeys: [] })
    const [offer] = world.target.statement.payload.enc
    const transportKeys = [{ ...(offer as DevicePayload['enc'][0]), alg: 'HPKE-9' }]
    await acceptFailsWith('binding-mismatch', world, {}, { transportKeys })
    const { jwk } = exampleTransportKey('another')
    const others = [{ ...(offer as DevicePayload['enc'][0]), jwk }]
    await acceptFailsWith('binding-mismatch', world, {}, { transportKeys: others })
  })

  it('names me if its key is one of class user', async () => {
    const { kti } = await aSourceQuestion(world)
    const named = (username: string): Spoilt => ({ kti: { key: { ...kti.key, class: 'user' }, username } })
    expect(await acceptsWhen(world, named('marta'))).toBeDefined()
    await acceptFailsWith('binding-mismatch', world, named('eva'))
  })

  it('is in time, and lives 90 days at the most', async () => {
    await acceptFailsWith('envelope-expired', world, says({ iat: EARLIER, exp: NOW }))
    await acceptFailsWith('envelope-expired', world, says({ iat: NOW + 61 }))
    await acceptFailsWith('envelope-expired', world, says({ exp: NOW + 90 * DAY_SECONDS + 1 }))
    expect(await acceptsWhen(world, { envelope: { at: NOW + 60 } })).toBeDefined()
  })

  it('comes with statements under their own names', async () => {
    const { answer } = await aTargetQuestion(world)
    const statements = { ...answer.statements, [THUMBPRINT]: 'e30.e30.e30' }
    await acceptFailsWith('envelope-malformed', world, { answer: { statements } })
  })
})

describe('a transport key that takes keys of one owner (T2)', () => {
  async function blobFor(owner?: UserId): Promise<TargetQuestion> {
    const { target } = world
    const { kid } = target.transport
    const alg = 'RSA-OAEP-256'
    const [offer] = target.statement.payload.enc
    const blob = { alg, kid, blob: toBase64url(new Uint8Array(256)) }
    const envelope = { order: { alg }, wrapped: () => blob as never }
    const transportKeys = [{ ...(offer as DevicePayload['enc'][0]), alg, ...(owner === undefined ? {} : { owner }) }]
    return aTargetQuestion(world, { kti: { options: [{ alg, kid }] }, envelope }, { transportKeys })
  }

  it('takes none of others', async () => {
    const foreign = expect.objectContaining({ code: 'transport-key-foreign' })
    await expect(checkBeforeAccept(await blobFor())).rejects.toThrow(foreign)
    await expect(checkBeforeAccept(await blobFor(STRANGER.id))).rejects.toThrow(foreign)
    expect(await checkBeforeAccept(await blobFor(world.luis.id))).toBeDefined()
  })
})

describe('my own user’s set (T3)', () => {
  const remembering = (seen: ReturnType<typeof sawSet>): Spoilt => ({
    remembered: { pins: [aPin(world.luis)], users: [seen] },
  })

  it('is there, the newest of those that came', async () => {
    await acceptFailsWith('response-invalid', world, { unsent: [world.martaSet.ref] })
    const second = await nextSet(world, 'marta')
    const { learned } = await acceptsWhen(world, { more: [second] })
    expect(learned.users[0]).toEqual(sawSet(second))
  })

  it('is one of that user, for this origin, by his root', async () => {
    const { marta, target } = world
    const forged = { ...STRANGER.root, id: marta.root.id, jwk: marta.root.jwk }
    const unsigned = await aDeviceSet(marta, [target], { root: forged })
    for (const martaSet of [await nextSet(world, 'marta', { origin: OTHER_ORIGIN }), unsigned]) {
      await acceptFailsWith('set-invalid', world, { martaSet })
    }
  })

  it('is never an older one than was seen', async () => {
    const second = await nextSet(world, 'marta')
    await acceptFailsWith('set-rollback', world, remembering(sawSet(second)))
    await acceptFailsWith('set-rollback', world, remembering(sawSet(world.martaSet, { ref: second.ref })))
    expect(await acceptsWhen(world, remembering(sawSet(world.martaSet)))).toBeDefined()
  })

  it('is in time, and no older than my rules allow', async () => {
    await acceptFailsWith('set-expired', world, {
      martaSet: await nextSet(world, 'marta', { iat: NOW - 10, exp: NOW }),
    })
    await acceptFailsWith('set-invalid', world, {
      martaSet: await nextSet(world, 'marta', { iat: NOW + 61, exp: NOW + 90 }),
    })
    const martaSet = await nextSet(world, 'marta', { iat: NOW - 101, exp: NOW + 1 })
    const rules = { ...DEFAULT_RULES, owners: [world.luis.id], maxSetAgeSeconds: 100 }
    await acceptFailsWith('set-expired', world, { martaSet }, { rules })
  })

  it('lists me as a target', async () => {
    const { marta, target } = world
    const laptop = await aDevice(marta, { name: 'laptop' })
    const sets = [
      await aDeviceSet(marta, [laptop]),
      await aDeviceSet(marta, [laptop], { revoked: [target] }),
      await aDeviceSet(marta, [inSet(target, { roles: ['source', 'order'] })]),
    ]
    for (const martaSet of sets) await acceptFailsWith('device-revoked', world, { martaSet })
  })

  it('says whom to trust from here on', async () => {
    const trust = { cas: [CA.id], witnesses: [], quorum: 0, log: world.log.vkey }
    const spoilt = { more: [await aUserStatement(world.luis, CA)], remembered: { pins: [] } }
    await acceptFailsWith('owner-untrusted', world, spoilt)
    const { learned } = await acceptsWhen(world, { ...spoilt, martaSet: await nextSet(world, 'marta', { trust }) })
    expect(learned.trust).toEqual(trust)
  })

  it('does not stop saying so', async () => {
    await acceptFailsWith('set-invalid', world, remembering(sawSet(world.martaSet, { hadTrust: true })))
  })
})

describe('the owner (T3)', () => {
  const trusted = { trust: { cas: [CA.id] }, pins: [] }

  it('is known', async () => {
    await acceptFailsWith('owner-untrusted', world, { remembered: { pins: [] } })
  })

  it('is one whom a rule or my human admits', async () => {
    await acceptFailsWith('owner-untrusted', world, {}, { rules: DEFAULT_RULES })
    await acceptFailsWith('owner-untrusted', world, {}, { rules: { ...DEFAULT_RULES, owners: [STRANGER.id] } })
    expect(await acceptsWhen(world, {}, { rules: DEFAULT_RULES, ownerAdmitted: true })).toBeDefined()
  })

  it('was certified when the key was wrapped', async () => {
    const certified = async (exp: number): Promise<SpoiltEnvelope> => ({
      more: [await aUserStatement(world.luis, CA, { iat: EARLIER - 10, exp })],
      remembered: trusted,
      envelope: { at: EARLIER },
    })
    const { learned } = await acceptsWhen(world, await certified(EARLIER + 1))
    expect(learned.names).toMatchObject([{ ca: CA.id, username: 'luis', user: world.luis.id }])
    await acceptFailsWith('owner-untrusted', world, await certified(EARLIER))
  })

  it('is nobody about whom pin and CA contradict each other', async () => {
    const more = [await aUserStatement(world.luis, CA)]
    const remembered = { ...trusted, pins: [aPin(world.luis, { username: 'eva' })] }
    await acceptFailsWith('pin-conflict', world, { more, remembered })
    const names = [{ ca: CA.id, username: 'luis', user: STRANGER.id, ref: THUMBPRINT }]
    await acceptFailsWith('user-ambiguous', world, { more, remembered: { ...trusted, names } })
  })

  it('is remembered once believed under a rule', async () => {
    const rules = { ...DEFAULT_RULES, tofu: true, owners: [world.luis.id] }
    const more = [await aUserStatement(world.luis, CA)]
    const { learned } = await acceptsWhen(world, { more, remembered: { pins: [] } }, { rules })
    expect(learned.pins).toMatchObject([{ user: world.luis.id, username: 'luis', how: 'tofu' }])
  })
})

describe('the owner’s set (T3)', () => {
  it('is there, the newest of those that came', async () => {
    await acceptFailsWith('response-invalid', world, { unsent: [world.luisSet.ref] })
    const second = await nextSet(world, 'luis')
    expect((await acceptsWhen(world, { more: [second] })).learned.users[1]).toEqual(sawSet(second))
  })

  it('is one by his root, and never an older one than was seen', async () => {
    const { luis, source } = world
    const forged = { ...STRANGER.root, id: luis.root.id, jwk: luis.root.jwk }
    await acceptFailsWith('set-invalid', world, { luisSet: await aDeviceSet(luis, [source], { root: forged }) })
    const users = [sawSet(await nextSet(world, 'luis'))]
    await acceptFailsWith('set-rollback', world, { remembered: { pins: [aPin(luis)], users } })
  })

  it('was alive when the key was wrapped, or is younger', async () => {
    const wrappedThen = async (iat: number, exp: number): Promise<SpoiltEnvelope> => ({
      luisSet: await nextSet(world, 'luis', { iat, exp }),
      envelope: { at: EARLIER },
    })
    await acceptFailsWith('set-expired', world, await wrappedThen(EARLIER - 10, EARLIER))
    expect(await acceptsWhen(world, await wrappedThen(EARLIER - 10, EARLIER + 1))).toBeDefined()
    expect(await acceptsWhen(world, await wrappedThen(NOW, NOW + 10))).toBeDefined()
  })

  it('was no older then than my rules allow', async () => {
    const rules = { ...DEFAULT_RULES, owners: [world.luis.id], maxSetAgeSeconds: 1000 }
    const aged = async (seconds: number): Promise<SpoiltEnvelope> => ({
      luisSet: await nextSet(world, 'luis', { iat: EARLIER - seconds, exp: NOW + 10 }),
      envelope: { at: EARLIER },
    })
    await acceptFailsWith('set-expired', world, await aged(1001), { rules })
    expect(await acceptsWhen(world, await aged(1000), { rules })).toBeDefined()
  })

  it('lists the source as one, and does not revoke it', async () => {
    const { luis, source, tablet } = world
    const revoking = await aDeviceSet(luis, [tablet], { revoked: [source] })
    await acceptFailsWith('device-revoked', world, { luisSet: revoking })
    await acceptFailsWith('source-not-listed', world, { luisSet: await aDeviceSet(luis, [tablet]) })
    const noSource = await aDeviceSet(luis, [inSet(source, { roles: ['target', 'order'] })])
    await acceptFailsWith('source-not-listed', world, { luisSet: noSource })
  })
})

describe('the signature of the envelope (T4)', () => {
  it('is by the source', async () => {
    const { source, tablet } = world
    await acceptFailsWith('signature-invalid', world, { envelope: { signer: tablet.signer } })
    const forged = { ...tablet.signer, id: source.id }
    await acceptFailsWith('signature-invalid', world, { envelope: { signer: forged } })
  })
})

describe('the order (T5)', () => {
  it('is by whoever may order', async () => {
    const { tablet } = world
    expect(await acceptsWhen(world, { envelope: { orderer: tablet.signer } })).toBeDefined()
    await acceptFailsWith('order-invalid', world, { envelope: { orderer: STRANGER.root } })
    const forged = { ...STRANGER.root, id: tablet.id, jwk: tablet.signer.jwk }
    await acceptFailsWith('order-invalid', world, { envelope: { orderer: forged } })
  })

  it('is the one that the envelope means, and says the same', async () => {
    await acceptFailsWith('order-mismatch', world, says({ order: THUMBPRINT }))
    await acceptFailsWith('order-mismatch', world, says({ attempt: 2 }))
  })

  it('was in time when the key was wrapped', async () => {
    await acceptFailsWith('order-expired', world, {
      envelope: { at: EARLIER, order: { exp: NOW + 10 }, kti: { iat: NOW + 20, exp: NOW + 10 } },
    })
    await acceptFailsWith('order-invalid', world, ordering({ iat: NOW + 61 }, { iat: NOW }))
  })

  it('asked for no more protection at the source than there was', async () => {
    const minExposure = { source: 'in-device', target: 'software' } as const
    await acceptFailsWith('exposure-too-low', world, ordering({ minExposure }))
    expect(await acceptsWhen(world, ordering({ minExposure }, { exposure: 'in-device' }))).toBeDefined()
  })

  it('answers my own request, if there was one', async () => {
    const mine = toBase64url(new Uint8Array(16).fill(3))
    await acceptFailsWith('order-mismatch', world, {}, { nonce: mine })
    expect(await acceptsWhen(world, { kti: { nonce: mine } }, { nonce: mine })).toBeDefined()
  })

  describe('by a grantee', () => {
    const grantee = exampleSigner('shop')

    async function granted(
      members: Parameters<typeof aGrant>[2] = {},
      spoilt: SpoiltEnvelope = {},
    ): Promise<SpoiltEnvelope> {
      const to = { own: false, users: [], cas: [CA.id] }
      const grant = await aGrant(world.luis, grantee, { classes: ['shared'], to, ...members })
      const certificate = await aUserStatement(world.marta, CA, { iat: EARLIER })
      const envelope = { orderer: grantee, order: { grant: grant.ref }, ...spoilt.envelope }
      return { ...spoilt, more: [grant, certificate], envelope }
    }

    it('is permitted by a grant that covers it, and was alive when the key was wrapped', async () => {
      expect(await acceptsWhen(world, await granted())).toBeDefined()
      await acceptFailsWith('grant-exceeded', world, await granted({ algs: ['HPKE-9'] }))
      const then = { iat: EARLIER - 10, exp: EARLIER + 1 }
      await acceptFailsWith('order-invalid', world, await granted(then))
      const at = { orderer: grantee, at: EARLIER }
      const grant = await aGrant(world.luis, grantee, {
        classes: ['shared'],
        to: { own: false, users: [world.marta.id], cas: [] },
        ...then,
      })
      const envelope = { ...at, order: { grant: grant.ref } }
      expect(await acceptsWhen(world, { more: [grant], envelope })).toBeDefined()
    })

    it.each(['kf-grant+jwt', 'kf-user+jwt'] as const)('needs its %s in the log (T7)', async (typ) => {
      await acceptFailsWith('proof-invalid', world, await granted({}, { unproved: (leaf) => leaf.typ === typ }))
    })
  })
})

describe('the generation (T6)', () => {
  const accepted = (last: number | null): Partial<TargetQuestion> => ({ lastGeneration: () => last })
  async function ofGeneration(generation: number, members: Partial<TransportKeyInfo> = {}): Promise<Spoilt> {
    const { kti } = await aSourceQuestion(world)
    return { kti: { key: { ...kti.key, generation }, ...members } }
  }

  it('does not go back', async () => {
    await acceptFailsWith('generation-old', world, await ofGeneration(2), accepted(3))
    await acceptFailsWith('generation-old', world, await ofGeneration(2, { redelivery: true }), accepted(3))
  })

  it('comes once more only where that was ordered', async () => {
    await acceptFailsWith('already-installed', world, await ofGeneration(2), accepted(2))
    expect(await acceptsWhen(world, await ofGeneration(2, { redelivery: true }), accepted(2))).toBeDefined()
    expect(await acceptsWhen(world, await ofGeneration(3), accepted(2))).toBeDefined()
  })

  it('jumps by 1000 at the most, from 0 on, unless my human agrees', async () => {
    await acceptFailsWith('declined', world, await ofGeneration(1001))
    expect(await acceptsWhen(world, await ofGeneration(1000))).toBeDefined()
    await acceptFailsWith('declined', world, await ofGeneration(1003), accepted(2))
    expect(await acceptsWhen(world, await ofGeneration(1002), accepted(2))).toBeDefined()
    expect(await acceptsWhen(world, await ofGeneration(1001), { jumpAdmitted: true })).toBeDefined()
  })
})

describe('the log (T7)', () => {
  it.each<[string, (leaf: { ref: string; typ: string }) => boolean]>([
    ['my own set', ({ ref }) => ref === world.martaSet.ref],
    ['the owner’s set', ({ ref }) => ref === world.luisSet.ref],
    ['the order', ({ typ }) => typ === 'kf-order+jwt'],
    ['the envelope', ({ typ }) => typ === 'kf-envelope+jws'],
  ])('has %s', async (_, unproved) => {
    await acceptFailsWith('proof-invalid', world, { unproved })
  })

  it('has the certificate that was relied on', async () => {
    const more = [await aUserStatement(world.luis, CA)]
    const remembered = { trust: { cas: [CA.id] }, pins: [] }
    const unproved: Spoilt['unproved'] = ({ typ }) => typ === 'kf-user+jwt'
    await acceptFailsWith('proof-invalid', world, { more, remembered, unproved })
  })

  it.each(['luis', 'marta'] as const)('has the hand-over sets of %s, as far as they are new', async (whose) => {
    const [user, device, before] =
      whose === 'luis' ? [world.luis, world.source, world.luisSet] : [world.marta, world.target, world.martaSet]
    const root = exampleSigner(`${user.username} root 2`)
    const handover = await aHandoverSet(user, { after: before, to: root })
    const set = await aDeviceSet(user, [device], { after: handover, root, handovers: [handover] })
    const spoilt = whose === 'luis' ? { luisSet: set } : { martaSet: set }
    await acceptFailsWith('proof-invalid', world, spoilt)
    expect(await acceptsWhen(world, { ...spoilt, logged: [handover] })).toBeDefined()
  })

  it('is the one that is trusted', async () => {
    const { log } = await aTrustWorld()
    await acceptFailsWith('checkpoint-invalid', world, {
      remembered: { pins: [aPin(world.luis)], trust: { log: log.vkey } },
    })
  })

  it('is the one that the source relied on', async () => {
    const root = toBase64url(new Uint8Array(32).fill(9))
    await acceptFailsWith('log-inconsistent', world, says({ checkpoint: { size: 3, root } }))
    await acceptFailsWith('log-inconsistent', world, says({ checkpoint: { size: 6, root } }))
    expect(await acceptsWhen(world, says({ checkpoint: { size: 0, root } }))).toBeDefined()
  })
})

describe('my rules (T8)', () => {
  it('expose the key no more than the order allows', async () => {
    const minExposure = { source: 'software', target: 'in-device' } as const
    await acceptFailsWith('exposure-too-low', world, ordering({ minExposure }))
    const [offer] = world.target.statement.payload.enc
    const transportKeys = [{ ...(offer as DevicePayload['enc'][0]), exposure: 'in-device' as const }]
    expect((await acceptsWhen(world, ordering({ minExposure }), { transportKeys })).exposure).toBe('in-device')
  })
})
