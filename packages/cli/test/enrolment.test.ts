import { addDevice, changeTrust, joinAsDevice, makeFirstDevice, type OpenDevice } from '@keyferry/device'
import {
  type EnrolmentAnswer,
  fromBase64url,
  fromUtf8,
  type PairingString,
  pairingKey,
  pairingMac,
  parsePairingString,
  readEnrolmentAnswer,
  writeEnrolmentAnswer,
} from '@keyferry/protocol'
import { exampleSigner } from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { anEnrolmentWorld, type EnrolmentWorld, ORIGIN, type Paired, pair } from './enrolment-world.ts'
import type { Lies } from './lying-server.ts'

let world: EnrolmentWorld
beforeEach(async () => {
  world = await anEnrolmentWorld()
})
afterEach(() => world.close())

const isClaim = ({ url }: { url: string }): boolean => url.endsWith('/v1/enrolments/claim')
const isEnrolment = ({ method, url }: { method: string; url: string }): boolean =>
  method === 'GET' && /\/v1\/enrolments\/en_/.test(url)

describe('the first device of somebody', () => {
  it('sends its claim again, the same octets, when the answer was lost', async () => {
    const sent: string[] = []
    const { parts } = await world.profile({
      lose: (request) => isClaim(request) && sent.push(fromUtf8(request.content as Uint8Array)) === 1,
    })
    const made = await makeFirstDevice(parts, await world.invitation('luis'), 'laptop')
    expect(sent).toHaveLength(2)
    expect(sent[1]).toBe(sent[0])
    expect(parts.store.identity.find()).toMatchObject({ user: made.user, device: made.device, username: 'luis' })
    expect(parts.store.ownStatements.unsent()).toEqual([])
    expect(parts.store.seen.state().seenUser(made.user)).toMatchObject({ seq: 1 })
  })

  it('goes on with the same keys after a crash, whether or not the server had its claim', async () => {
    const profile = await world.profile({ lose: isClaim })
    const text = await world.invitation('luis')
    await expect(makeFirstDevice(profile.parts, text, 'laptop')).rejects.toMatchObject({ name: 'UnreachableError' })
    const before = profile.parts.device.signer.id
    delete profile.lies.lose
    const made = await makeFirstDevice(await profile.again(), text, 'laptop')
    expect(made.device).toBe(before)
    const open = await world.open(profile)
    await expect(open.client.call({ method: 'GET', path: `/v1/users/${made.user}` })).resolves.toMatchObject({
      status: 200,
    })
  })

  it('takes no string of a further device, and none that names another log than the server shows', async () => {
    const { parts } = await world.profile()
    const text = await world.invitation('luis')
    const other = text.replace(/&l=[^&]+/, `&l=${encodeURIComponent((await anotherLog()).log)}`)
    await expect(makeFirstDevice(parts, other, 'laptop')).rejects.toMatchObject({ code: 'response-invalid' })
    const pairing = `${text}&u=${exampleSigner('luis root').id}&z=00041061050r3gg28a1c60t3gf`
    await expect(makeFirstDevice(parts, pairing, 'laptop')).rejects.toMatchObject({ code: 'malformed' })
    expect(parts.store.identity.find()).toBeNull()
  })

  it('takes no configuration of another server', async () => {
    const { parts } = await world.profile({
      change: ({ url }, json) =>
        url.endsWith('/.well-known/keyferry') ? { ...json, origin: 'https://other.example' } : undefined,
    })
    await expect(makeFirstDevice(parts, await world.invitation('luis'), 'laptop')).rejects.toMatchObject({
      code: 'response-invalid',
    })
    expect(parts.store.identity.find()).toBeNull()
  })

  it('begins with the CAs and witnesses that its human names, and says so in its first set', async () => {
    const { parts } = await world.profile()
    const anchors = { cas: [exampleSigner('acme ca').id], witnesses: [], quorum: 0 }
    await makeFirstDevice(parts, await world.invitation('luis'), 'laptop', anchors)
    expect(parts.store.seen.state().trust).toEqual({ ...anchors, log: world.server.logKey })
    expect(parts.store.seen.state().seenUser(parts.store.seen.state().user)).toMatchObject({ hadTrust: true })
  })
})

describe('a pairing', () => {
  it('makes a further device, which trusts what the first one vouched for', async () => {
    const laptop = await world.first('luis')
    const newcomer = await world.profile()
    const { added, joined, asked } = await pair(laptop, newcomer)
    expect([added.status, joined.status]).toEqual(['fulfilled', 'fulfilled'])
    const device = newcomer.parts.device.signer.id
    expect(asked).toEqual([{ device, kind: 'software', username: 'luis' }])
    const phone = (await world.open(newcomer)).store.seen.state()
    const own = laptop.store.seen.state()
    expect(phone).toMatchObject({ origin: ORIGIN, user: own.user, username: 'luis', trust: own.trust })
    expect(phone.checkpoint?.size).toBeGreaterThan(0)
    expect(own.seenUser(own.user)).toMatchObject({ seq: 2 })
  })

  it('survives answers that get lost on both sides', async () => {
    const lost = new Set<string>()
    const lose: Lies['lose'] = ({ method, url }) => {
      const step = `${method} ${url.replace(/en_\w+/, '')}`
      return method !== 'GET' && !url.endsWith('/enrolments') && lost.size < lost.add(step).size
    }
    const laptop = await world.first('luis', { lose: (request) => !isClaim(request) && lose(request) })
    const { added, joined } = await pair(laptop, await world.profile({ lose }))
    expect([added.status, joined.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(lost.size).toBeGreaterThanOrEqual(3)
  })

  it('is for one new device: a second one with the same string is too late', async () => {
    const laptop = await world.first('luis')
    let text = ''
    await pair(laptop, await world.profile(), (shown) => {
      text = shown
    })
    const { parts } = await world.profile()
    await expect(joinAsDevice(parts, text, { label: 'x', show: () => {} })).rejects.toMatchObject({ code: 'not-found' })
  })

  it('wants fresh keys: a profile that was used before is refused', async () => {
    const laptop = await world.first('luis')
    const newcomer = await world.profile()
    let text = ''
    await pair(laptop, newcomer, (shown) => {
      text = shown
    })
    const again = joinAsDevice(newcomer.parts, text, { label: 'x', show: () => {} })
    await expect(again).rejects.toMatchObject({ code: 'state-conflict' })
  })
})

describe('a pairing that ends while the human is asked', () => {
  /** @returns how both sides end. */
  async function whileAsked(
    answer: (stopping: AbortController, joined: Promise<unknown>) => Promise<boolean>,
  ): Promise<PromiseSettledResult<unknown>[]> {
    const laptop = await world.first('luis')
    const { parts } = await world.profile()
    const stopping = new AbortController()
    let joined: Promise<unknown> = Promise.resolve()
    const added = addDevice(laptop, {
      show(text) {
        joined = joinAsDevice(parts, text, { label: 'phone', show: () => {}, signal: stopping.signal })
        joined.catch(() => {})
      },
      confirm: () => answer(stopping, joined),
      pause: async () => {},
    })
    const [add] = await Promise.allSettled([added])
    const [join] = await Promise.allSettled([joined])
    return [add, join]
  }

  it('ends at the new device too when he leaves the question', async () => {
    const left = new Error('Ctrl-C')
    const [added, joined] = await whileAsked(() => Promise.reject(left))
    expect(added).toMatchObject({ reason: left })
    expect(joined).toMatchObject({ reason: { code: 'declined', message: 'the other device did not confirm this one' } })
  })

  it('says after his yes that the new device stopped', async () => {
    const [added] = await whileAsked(async (stopping, joined) => {
      stopping.abort()
      await joined.catch(() => {})
      return true
    })
    expect(added).toMatchObject({ reason: { code: 'declined', message: 'the new device stopped' } })
  })
})

describe('a pairing past a lying server', () => {
  /** @returns what became of it when A (`first`) or N (`newcomer`) is shown something else. */
  async function pairWith(lies: { first?: Change; newcomer?: Change }): Promise<Paired & { laptop: OpenDevice }> {
    const overTheShoulder: { pairing?: PairingString } = {}
    const lie = (change: Change | undefined): Lies => ({
      ...(change === undefined
        ? {}
        : {
            change: (request, json) =>
              isEnrolment(request) ? change(json as unknown as Shown, overTheShoulder.pairing) : undefined,
          }),
    })
    const laptop = await world.first('luis', lie(lies.first))
    const ended = await pair(laptop, await world.profile(lie(lies.newcomer)), (text) => {
      overTheShoulder.pairing = parsePairingString(text) as PairingString
      return undefined
    })
    return { ...ended, laptop }
  }

  it('ends at the new device when the set trusts another log than the string', async () => {
    const laptop = await world.first('luis')
    await changeTrust(laptop, {})
    const { log } = await anotherLog()
    const { added, joined } = await pair(laptop, await world.profile(), (text) =>
      text.replace(/&l=[^&]+/, `&l=${encodeURIComponent(log)}`),
    )
    expect(joined).toMatchObject({ status: 'rejected', reason: { code: 'set-invalid' } })
    expect(codeOf(added)).toBe('declined')
    expect(setSeq(laptop)).toBe(2)
  })

  it('ends when the new device’s statement was replaced, before anybody is asked', async () => {
    const stranger = await world.profile()
    await makeFirstDevice(stranger.parts, await world.invitation('eve'), 'laptop')
    const statement = stranger.parts.store.ownStatements.newest('kf-device+jwt')?.text
    const { added, joined, asked, laptop } = await pairWith({
      first: (json) => (json.claim === undefined ? undefined : { ...json, claim: { ...json.claim, statement } }),
    })
    expect(codeOf(added)).toBe('mac-invalid')
    expect(codeOf(joined)).toBe('declined')
    expect(asked).toEqual([])
    expect(setSeq(laptop)).toBe(1)
  })

  it('ends when the mac of the claim is wrong or missing', async () => {
    const mac = 'A'.repeat(43)
    const wrong = await pairWith({ first: (json) => json.claim && { ...json, claim: { ...json.claim, mac } } })
    expect(codeOf(wrong.added)).toBe('mac-invalid')
  })

  it('ends when the statement under a right mac is another user’s', async () => {
    const stranger = await world.profile()
    await makeFirstDevice(stranger.parts, await world.invitation('eve'), 'laptop')
    const statement = stranger.parts.store.ownStatements.newest('kf-device+jwt')?.text ?? ''
    const { added, asked } = await pairWith({
      first: (json, pairing) => {
        if (json.claim === undefined || pairing === undefined) return undefined
        const mac = pairingMac(pairingKey('new', pairing.secret, ORIGIN), statement)
        return { ...json, claim: { statement, mac } }
      },
    })
    expect(codeOf(added)).toBe('statement-invalid')
    expect(asked).toEqual([])
  })

  it.each([
    ['is wrong', (answers: readonly object[]) => answers.map((one) => ({ ...one, mac: 'A'.repeat(43) }))],
    ['is missing', () => []],
    ['stands twice', (answers: readonly object[]) => [...answers, ...answers]],
  ])('lets nobody in whose proof of a key %s', async (_, change) => {
    const { added, joined, laptop } = await pairWith({
      first: (json) => json.proof && { ...json, proof: { answers: change(json.proof.answers) } },
    })
    expect(codeOf(added)).toBe('possession-failed')
    expect(codeOf(joined)).toBe('declined')
    expect(setSeq(laptop)).toBe(1)
  })

  it('ends at the new device when the mac of the answer is wrong', async () => {
    const { added, joined } = await pairWith({
      newcomer: (json) => json.answer && { ...json, answer: { ...json.answer, mac: 'A'.repeat(43) } },
    })
    expect(codeOf(joined)).toBe('mac-invalid')
    expect(codeOf(added)).toBe('declined')
  })

  it('ends at the new device when the set was swapped', async () => {
    const stranger = await world.profile()
    await makeFirstDevice(stranger.parts, await world.invitation('eve'), 'laptop')
    const set = stranger.parts.store.ownStatements.newest('kf-device-set+jwt')
    const swapped = await pairWith({ newcomer: (json) => json.answer && { ...json, set: set?.text } })
    expect(codeOf(swapped.joined)).toBe('statement-invalid')
  })

  it('ends at the new device when the set is another user’s, even if the answer says so', async () => {
    const stranger = await world.profile()
    await makeFirstDevice(stranger.parts, await world.invitation('eve'), 'laptop')
    const set = stranger.parts.store.ownStatements.newest('kf-device-set+jwt')
    const { joined } = await pairWith({
      newcomer: (json, pairing) => {
        const forged = forgeAnswer(json, pairing, (answer) => ({ ...answer, set: set?.ref as never, challenges: [] }))
        return forged && { ...forged, set: set?.text }
      },
    })
    expect(codeOf(joined)).toBe('set-invalid')
  })

  it.each<[string, (answer: EnrolmentAnswer) => EnrolmentAnswer, string]>([
    ['lacks a challenge', (answer) => ({ ...answer, challenges: [] }), 'possession-failed'],
    [
      'challenges a key twice',
      (answer) => ({ ...answer, challenges: [...answer.challenges, ...answer.challenges] }),
      'possession-failed',
    ],
    ['has a challenge for another', (answer) => rebound(answer, 'dst'), 'possession-failed'],
    ['has a challenge from a stranger', (answer) => rebound(answer, 'src'), 'possession-failed'],
    ['is about another statement', (answer) => ({ ...answer, statement: answer.set }), 'statement-invalid'],
    [
      'is about another enrolment',
      (answer) => ({ ...answer, en: 'en_2ck0frzqa7em6qn7679ps32h78' as never }),
      'statement-invalid',
    ],
    [
      'names other server keys',
      (answer) => ({ ...answer, serverKeys: [exampleSigner('server').id] }),
      'response-invalid',
    ],
  ])('ends at the new device when an answer under a right mac %s', async (_, change, code) => {
    const { added, joined, laptop } = await pairWith({
      newcomer: (json, pairing) => forgeAnswer(json, pairing, change),
    })
    expect(codeOf(joined)).toBe(code)
    expect(codeOf(added)).toBe('declined')
    expect(setSeq(laptop)).toBe(1)
  })

  it('leaves nothing behind at the new device', async () => {
    const laptop = await world.first('luis')
    const newcomer = await world.profile({
      change: (request, json) =>
        isEnrolment(request) && json.answer ? { ...json, answer: { ...json.answer, mac: 'A'.repeat(43) } } : undefined,
    })
    await pair(laptop, newcomer)
    expect(newcomer.parts.store.identity.find()).toBeNull()
    expect(newcomer.parts.store.anchors.find()).toBeNull()
    expect(newcomer.parts.store.serverKeys.list()).toEqual([])
  })

  it('ends for both when the server says that the time is over', async () => {
    const { added } = await pairWith({ first: (json) => ({ ...json, state: 'expired' }) })
    expect(codeOf(added)).toBe('not-found')
  })

  it('believes no approval before there was a proof', async () => {
    const { joined } = await pairWith({ newcomer: (json) => ({ ...json, state: 'approved' }) })
    expect(codeOf(joined)).toBe('not-found')
  })
})

/** What the server shows of an enrolment, which these tests forge. */
interface Shown {
  readonly state: string
  readonly claim?: { readonly statement: string; readonly mac: string }
  readonly answer?: { readonly answer: string; readonly mac: string }
  readonly proof?: { readonly answers: readonly object[] }
}

type Change = (shown: Shown, pairing: PairingString | undefined) => unknown

function forgeAnswer(
  shown: Shown,
  pairing: PairingString | undefined,
  change: (answer: EnrolmentAnswer) => EnrolmentAnswer,
): Shown | undefined {
  if (shown.answer === undefined || pairing === undefined) return undefined
  const answer = writeEnrolmentAnswer(change(readEnrolmentAnswer(shown.answer.answer)))
  return { ...shown, answer: { answer, mac: pairingMac(pairingKey('answer', pairing.secret, ORIGIN), answer) } }
}

/** The challenges with another device in their B. */
function rebound(answer: EnrolmentAnswer, member: 'src' | 'dst'): EnrolmentAnswer {
  const challenges = answer.challenges.map((challenge) => {
    const binding = JSON.parse(fromUtf8(fromBase64url(challenge.binding))) as object
    const other = { ...binding, [member]: exampleSigner('marta phone').id }
    return { ...challenge, binding: Buffer.from(JSON.stringify(other)).toString('base64url') }
  })
  return { ...answer, challenges }
}

function codeOf(result: PromiseSettledResult<unknown>): string {
  if (result.status === 'fulfilled') return 'none'
  return result.reason.code ?? result.reason.name
}

function setSeq(open: OpenDevice): number | undefined {
  return open.store.ownStatements.newest('kf-device-set+jwt')?.seq
}

async function anotherLog(): Promise<{ log: string }> {
  const other = await anEnrolmentWorld()
  await other.close()
  return { log: other.server.logKey }
}
