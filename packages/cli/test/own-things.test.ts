import {
  changeTrust,
  exportRootPaper,
  exportRootPem,
  findUser,
  followServerKeys,
  type KeyRecord,
  newestSet,
  type OpenDevice,
  publishKey,
  readRootPaper,
  readRootPem,
  removeRoot,
  renewOwn,
  renewSet,
  resumeRoot,
  revokeDevice,
  rotateRoot,
  signNextSet,
  takeRoot,
} from '@keyferry/device'
import { deviceStatement, fromUtf8, makeKeyId, readStatement, rootsOf, thumbprint, utf8 } from '@keyferry/protocol'
import { exampleSigner } from '@keyferry/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { anEnrolmentWorld, type EnrolmentWorld, pair } from './enrolment-world.ts'
import type { Lies } from './lying-server.ts'

const DAY_MILLISECONDS = 86_400_000

let world: EnrolmentWorld
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  world = await anEnrolmentWorld()
})
afterEach(async () => {
  vi.useRealTimers()
  await world.close()
})

function daysPass(days: number): void {
  vi.setSystemTime(Date.now() + days * DAY_MILLISECONDS)
}

async function pairedPhone(laptop: OpenDevice, lies: Lies = {}): Promise<OpenDevice> {
  const newcomer = await world.profile(lies)
  await pair(laptop, newcomer)
  return world.open(newcomer)
}

async function shownSet(open: OpenDevice): Promise<string> {
  const { user } = open.store.seen.state()
  return (await findUser(open, user)).set
}

const isUser = ({ url }: { url: string }): boolean => /\/v1\/users\/[\w-]{43}$/.test(url)
const isStatement = ({ method, url }: { method: string; url: string }): boolean =>
  method === 'PUT' && url.includes('/v1/statements/')

describe('what a device renews by itself', () => {
  it('is nothing on the first day', async () => {
    expect(await renewOwn(await world.first('luis'))).toEqual({ statement: false, set: false })
  })

  it('is the set at half its life, as often as needed', async () => {
    const laptop = await world.first('luis')
    for (const seq of [2, 3]) {
      daysPass(4)
      expect(await renewOwn(laptop)).toEqual({ statement: false, set: true })
      expect(newestSet(laptop)?.payload.seq).toBe(seq)
      expect(await shownSet(laptop)).toBe(newestSet(laptop)?.ref)
    }
  })

  it('is the transport key after 30 days: the earlier one stays offered until it runs out, and can be used 90 days longer', async () => {
    const laptop = await world.first('luis')
    const offered = (): string[] => newestStatement(laptop).enc.map((offer) => String(offer.nbf))
    const [first] = offered()
    daysPass(30)
    expect(await renewOwn(laptop)).toEqual({ statement: true, set: true })
    expect(newestStatement(laptop)).toMatchObject({ seq: 2 })
    expect(offered()).toHaveLength(2)
    expect(await renewOwn(laptop)).toEqual({ statement: false, set: false })
    daysPass(61)
    await renewOwn(laptop)
    expect(newestStatement(laptop)).toMatchObject({ seq: 3 })
    expect(offered()).not.toContain(first)
    expect(laptop.store.sealedKeys.transportKeys()).toHaveLength(3)
    daysPass(90)
    await renewOwn(laptop)
    expect(laptop.store.sealedKeys.transportKeys().map(({ nbf }) => String(nbf))).not.toContain(first)
  })

  it('stops with an alarm when the server shows a set that this device did not sign', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    daysPass(4)
    lies.change = (request, json) => (isUser(request) ? { ...json, set: 'A'.repeat(43) } : undefined)
    await expect(renewOwn(laptop)).rejects.toMatchObject({ code: 'set-rollback' })
    expect(laptop.store.alarms.open()).toMatchObject([{ reason: 'set-rollback' }])
    expect(newestSet(laptop)?.payload.seq).toBe(1)
  })

  it('goes on after what it signed ran out before the server had it', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    daysPass(31)
    lies.drop = isStatement
    await expect(renewOwn(laptop)).rejects.toMatchObject({ name: 'UnreachableError' })
    daysPass(95)
    delete lies.drop
    expect(await renewOwn(laptop)).toEqual({ statement: true, set: true })
    expect(newestStatement(laptop)).toMatchObject({ seq: 2 })
    expect(newestSet(laptop)?.payload.seq).toBe(2)
  })
})

describe('a pairing that broke off at its last step', () => {
  it('lets the newcomer in by no set of later: it is revoked', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    lies.drop = isStatement
    const newcomer = await world.profile()
    let stop: () => void = () => {}
    newcomer.lies.drop = () => {
      stop()
      return false
    }
    const pairing = pair(laptop, newcomer)
    // The newcomer waits for the set until its own clock says that it is over.
    await new Promise<void>((resolve) => {
      stop = () => {
        if ((laptop.store.ownStatements.newest('kf-device-set+jwt')?.seq ?? 0) > 1) {
          vi.setSystemTime(Date.now() + 3_700_000)
          resolve()
        }
      }
    })
    const { added, joined } = await pairing
    expect([added.status, joined.status]).toEqual(['rejected', 'rejected'])
    delete lies.drop
    expect(newestSet(laptop)?.payload.seq).toBe(1)
    expect(await renewSet(laptop)).toBe(true)
    const { devices, revoked, seq } = newestSet(laptop)?.payload ?? {}
    expect(seq).toBe(2)
    expect(devices).toHaveLength(1)
    expect(revoked).toMatchObject([{ id: newcomer.parts.device.signer.id }])
  })
})

describe('a revocation', () => {
  it('is in the log, and counts as seen: the server cannot show this device an older set', async () => {
    const laptop = await world.first('luis')
    const phone = await pairedPhone(laptop)
    const set = await revokeDevice(laptop, phone.device.signer.id)
    expect(set.payload).toMatchObject({ seq: 3, revoked: [{ id: phone.device.signer.id }] })
    const { user } = laptop.store.seen.state()
    expect(laptop.store.seen.state().seenUser(user)).toMatchObject({ seq: 3, ref: set.ref })
    expect(laptop.store.alarms.open()).toEqual([])
  })

  it('is an alarm when the log does not show it within ten minutes', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    const phone = await pairedPhone(laptop)
    lies.drop = ({ url }) => url.includes('/log/')
    const pause = async (milliseconds: number): Promise<void> => {
      vi.setSystemTime(Date.now() + 20 * milliseconds)
    }
    await revokeDevice(laptop, phone.device.signer.id, { pause })
    expect(laptop.store.alarms.open()).toMatchObject([{ reason: 'set-not-logged', facts: { seq: 3 } }])
  })

  it('is an alarm later if nobody waited for the log', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    const phone = await pairedPhone(laptop)
    lies.drop = ({ url }) => url.includes('/log/')
    const signal = AbortSignal.abort()
    await revokeDevice(laptop, phone.device.signer.id, { signal })
    await renewOwn(laptop)
    expect(laptop.store.alarms.open()).toEqual([])
    vi.setSystemTime(Date.now() + 601_000)
    await renewOwn(laptop)
    await renewOwn(laptop)
    const [alarm, ...others] = laptop.store.alarms.open()
    expect([alarm?.reason, others]).toEqual(['set-not-logged', []])
    laptop.store.alarms.acknowledge(alarm?.id ?? 0, laptop.now())
    delete lies.drop
    await renewOwn(laptop)
    expect(laptop.store.alarms.open()).toEqual([])
  })

  it('shows a log that did not only grow: that is an alarm at once, with both notes', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    const phone = await pairedPhone(laptop)
    lies.change = ({ url }) => (url.includes('/v1/log/consistency') ? { path: [] } : undefined)
    await revokeDevice(laptop, phone.device.signer.id)
    expect(laptop.store.alarms.open()).toMatchObject([
      {
        reason: 'log-inconsistent',
        facts: { mine: expect.stringContaining('keys.example/log'), shown: expect.any(String) },
      },
    ])
  })

  it('is not for this very device, nor for one that is not there, nor where the root is not', async () => {
    const laptop = await world.first('luis')
    const phone = await pairedPhone(laptop)
    await expect(revokeDevice(laptop, laptop.device.signer.id)).rejects.toMatchObject({ code: 'declined' })
    await expect(revokeDevice(laptop, exampleSigner('nobody').id)).rejects.toMatchObject({ code: 'not-found' })
    await expect(revokeDevice(phone, laptop.device.signer.id)).rejects.toMatchObject({ code: 'root-elsewhere' })
  })
})

describe('a new root', () => {
  it('is handed over to: the user stays the same, newcomers follow the chain, the old key is gone', async () => {
    const laptop = await world.first('luis')
    const { user } = laptop.store.seen.state()
    const set = await rotateRoot(laptop)
    expect(rootsOf(set)).toEqual([user, thumbprint(set.payload.root)])
    expect(await shownSet(laptop)).toBe(set.ref)
    expect(laptop.device.rootSignerById(user)).toBeNull()
    const phone = await pairedPhone(laptop)
    expect(phone.store.seen.state().seenUser(user)).toMatchObject({ seq: 3, root: thumbprint(set.payload.root) })
    const second = await rotateRoot(laptop)
    expect(rootsOf(second)).toHaveLength(3)
    daysPass(4)
    expect(await renewSet(laptop)).toBe(true)
  })

  it('is brought to its end after it broke off, whatever got through', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    let puts = 0
    lies.drop = (request) => isStatement(request) && ++puts === 2
    await expect(rotateRoot(laptop)).rejects.toMatchObject({ name: 'UnreachableError' })
    delete lies.drop
    // In a day of its own, the renewal finishes it.
    await renewSet(laptop)
    const set = newestSet(laptop)
    expect(set?.payload).toMatchObject({ seq: 3 })
    expect(await shownSet(laptop)).toBe(set?.ref)
    expect(set === null ? [] : rootsOf(set)).toHaveLength(2)
  })

  it('is not lost when its second set ran out on the way', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    let puts = 0
    lies.drop = (request) => isStatement(request) && ++puts === 2
    await expect(rotateRoot(laptop)).rejects.toMatchObject({ name: 'UnreachableError' })
    delete lies.drop
    daysPass(8)
    expect(await renewSet(laptop)).toBe(true)
    const set = newestSet(laptop)
    expect(set?.payload).toMatchObject({ seq: 3, devices: [{ id: laptop.device.signer.id }] })
    expect(await shownSet(laptop)).toBe(set?.ref)
  })
})

describe('the root key outside', () => {
  it('comes from paper into another device, which signs the sets from then on', async () => {
    const laptop = await world.first('luis')
    const phone = await pairedPhone(laptop)
    const lines = exportRootPaper(laptop)
    expect(lines).toHaveLength(4)
    await takeRoot(phone, readRootPaper(lines))
    const set = await revokeDevice(phone, laptop.device.signer.id)
    expect(set.payload).toMatchObject({ seq: 3, revoked: [{ id: laptop.device.signer.id }] })
  })

  it('comes from encrypted PEM, with the right passphrase only', async () => {
    const laptop = await world.first('luis')
    const phone = await pairedPhone(laptop)
    const pem = await exportRootPem(laptop, utf8('correct horse'))
    expect(() => readRootPem(pem, utf8('wrong'))).toThrow(expect.objectContaining({ code: 'passphrase-wrong' }))
    await takeRoot(phone, readRootPem(pem, utf8('correct horse')))
    expect((await signNextSet(phone)).payload.seq).toBe(3)
  })

  it('is refused if it is not the current one', async () => {
    const laptop = await world.first('luis')
    const phone = await pairedPhone(laptop)
    const lines = exportRootPaper(laptop)
    await rotateRoot(laptop)
    await expect(takeRoot(phone, readRootPaper(lines))).rejects.toMatchObject({ code: 'root-outdated' })
    expect(phone.device.rootSigner()).toBeNull()
    expect(() => exportRootPaper(phone)).toThrow(expect.objectContaining({ code: 'root-elsewhere' }))
  })
})

describe('what a user trusts', () => {
  it('is said in the next set, and stays in all later ones', async () => {
    const laptop = await world.first('luis')
    const change = { cas: [exampleSigner('acme ca').id], witnesses: [], quorum: 0 }
    await changeTrust(laptop, change)
    const trust = { ...change, log: world.server.logKey }
    expect(laptop.store.seen.state().trust).toEqual(trust)
    expect((await signNextSet(laptop)).payload.trust).toEqual(trust)
    const phone = await pairedPhone(laptop)
    expect(phone.store.seen.state().trust).toEqual(trust)
    expect((await rotateRoot(laptop)).payload.trust).toEqual(trust)
  })

  it('has no quorum that cannot be reached', async () => {
    const laptop = await world.first('luis')
    const change = { cas: [], witnesses: [], quorum: 1 }
    await expect(changeTrust(laptop, change)).rejects.toMatchObject({ code: 'malformed' })
  })
})

describe('the keys of the server', () => {
  const isConfiguration = ({ url }: { url: string }): boolean => url.endsWith('/.well-known/keyferry')

  it('are followed when a pinned one announces another, and dropped when none lists them', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    const next = exampleSigner('next server key')
    lies.change = (request, json) =>
      isConfiguration(request) ? { ...json, keys: [...(json.keys as object[]), next.jwk] } : undefined
    expect(await followServerKeys(laptop)).toEqual({ added: [next.id], removed: [] })
    expect(laptop.store.serverKeys.find(next.id)?.jwk).toEqual(next.jwk)
    lies.change = (request, json) => (isConfiguration(request) ? json : undefined)
    expect(await followServerKeys(laptop)).toEqual({ added: [], removed: [next.id] })
  })

  it('are not believed under a key that was not pinned', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    const stranger = exampleSigner('stranger')
    lies.signer = stranger
    lies.change = (request, json) => (isConfiguration(request) ? { ...json, keys: [stranger.jwk] } : undefined)
    await expect(followServerKeys(laptop)).rejects.toMatchObject({ code: 'response-invalid' })
    expect(laptop.store.serverKeys.find(stranger.id)).toBeNull()
  })
})

describe('the catalogue', () => {
  it('learns of a key, of its changes and of each source, and nothing that is secret', async () => {
    const laptop = await world.first('luis')
    const phone = await pairedPhone(laptop)
    const id = makeKeyId(laptop.store.seen.state().user, laptop.random(16))
    const record: Pick<KeyRecord, 'key' | 'username' | 'container' | 'label'> = {
      key: { id, class: 'shared', generation: 1, type: 'secret' },
      username: null,
      container: null,
      label: 'a secret',
    }
    await publishKey(laptop, record)
    await publishKey(phone, { ...record, key: { ...record.key, generation: 2 } })
    const { content } = await laptop.client.call({ method: 'GET', path: `/v1/keys/${id}` })
    const shown: unknown = JSON.parse(fromUtf8(content))
    expect(shown).toMatchObject({ class: 'shared', generation: 2, label: 'a secret' })
    expect(shown).toMatchObject({ sources: [laptop.device.signer.id, phone.device.signer.id] })
  })

  it('is asked again when another device changed it meanwhile', async () => {
    const lies: Lies = {}
    const laptop = await world.first('luis', lies)
    const phone = await pairedPhone(laptop)
    const id = makeKeyId(laptop.store.seen.state().user, laptop.random(16))
    const record: Pick<KeyRecord, 'key' | 'username' | 'container' | 'label'> = {
      key: { id, class: 'shared', generation: 1, type: 'secret' },
      username: null,
      container: null,
      label: 'a secret',
    }
    await publishKey(laptop, record)
    const honest = laptop.client.call
    let puts = 0
    const client = {
      ...laptop.client,
      call: async (call: Parameters<typeof honest>[0]) => {
        if (call.method === 'PUT' && puts++ === 0) await publishKey(phone, record)
        return honest(call)
      },
    }
    await publishKey({ device: laptop.device, client }, { ...record, label: 'renamed' })
    expect(puts).toBe(2)
  })
})

function newestStatement(open: OpenDevice): ReturnType<typeof readDevice> {
  return readDevice(open.store.ownStatements.newest('kf-device+jwt')?.text ?? '')
}

function readDevice(text: string): { seq: number; enc: readonly { nbf: number }[] } {
  return readStatement(deviceStatement, text).payload
}

describe('a root that two devices hold', () => {
  async function bothHold(lies: Lies = {}): Promise<{ laptop: OpenDevice; phone: OpenDevice }> {
    const laptop = await world.first('luis')
    const phone = await pairedPhone(laptop, lies)
    const tab = await world.profile()
    await pair(laptop, tab)
    await takeRoot(phone, readRootPaper(exportRootPaper(laptop)))
    return { laptop, phone }
  }
  const unsent = (open: OpenDevice): number => open.store.ownStatements.unsent().length

  it('is outdated at the one that lost to a rotation: its set is dropped, its human hears of it once', async () => {
    const lies: Lies = {}
    const { laptop, phone } = await bothHold(lies)
    lies.drop = isStatement
    await expect(signNextSet(phone)).rejects.toMatchObject({ name: 'UnreachableError' })
    await rotateRoot(laptop)
    delete lies.drop
    await expect(renewOwn(phone)).rejects.toMatchObject({ code: 'set-rollback', details: { reason: 'root-outdated' } })
    expect(unsent(phone)).toBe(0)
    const [alarm, ...others] = phone.store.alarms.open()
    expect([alarm?.reason, others]).toEqual(['root-outdated', []])
    phone.store.alarms.acknowledge(alarm?.id ?? 0, phone.now())
    for (let i = 0; i < 3; i++) {
      daysPass(3)
      await renewOwn(laptop)
      expect(await renewOwn(phone)).toEqual({ statement: false, set: false })
    }
    expect(phone.store.alarms.open()).toEqual([])
    await expect(revokeDevice(phone, laptop.device.signer.id)).rejects.toMatchObject({
      code: 'root-outdated',
    })
    expect(unsent(phone)).toBe(0)
  })

  it('comes back to the one that signed before, however much the other signed meanwhile', async () => {
    const { laptop, phone } = await bothHold()
    await signNextSet(phone)
    await signNextSet(phone)
    const copy = readRootPaper(exportRootPaper(laptop))
    await expect(revokeDevice(laptop, phone.device.signer.id)).rejects.toMatchObject({ code: 'set-elsewhere' })
    await expect(rotateRoot(laptop)).rejects.toMatchObject({ code: 'set-elsewhere' })
    expect([unsent(laptop), laptop.store.alarms.open()]).toEqual([0, []])
    expect((await takeRoot(laptop, copy)).payload.seq).toBe(5)
    const { payload } = await revokeDevice(laptop, phone.device.signer.id)
    expect(payload).toMatchObject({ seq: 6, revoked: [{ id: phone.device.signer.id }] })
    expect(payload.devices).toHaveLength(2)
  })

  it('signs here again only after its human has agreed to what was signed elsewhere', async () => {
    const { laptop, phone } = await bothHold()
    await signNextSet(phone)
    await signNextSet(phone)
    await expect(resumeRoot(laptop, async () => false)).rejects.toMatchObject({ code: 'declined' })
    await expect(revokeDevice(laptop, phone.device.signer.id)).rejects.toMatchObject({ code: 'set-elsewhere' })
    const shown: number[] = []
    const agree = async (set: { payload: { seq: number } }): Promise<boolean> => shown.push(set.payload.seq) > 0
    await resumeRoot(laptop, agree)
    await resumeRoot(laptop, agree)
    expect(shown).toEqual([5])
    expect((await rotateRoot(laptop)).payload.seq).toBe(7)
    await expect(resumeRoot(phone, agree)).rejects.toMatchObject({ code: 'root-outdated' })
    const third = await pairedPhone(laptop)
    await expect(resumeRoot(third, agree)).rejects.toMatchObject({ code: 'root-elsewhere' })
  })

  it('leaves the one that gives it up: that renews nothing any more, and has nothing to complain of', async () => {
    const { laptop, phone } = await bothHold()
    const said: boolean[] = []
    const agree = (answer: boolean) => async (isElsewhere: boolean) => {
      said.push(isElsewhere)
      return answer
    }
    await expect(removeRoot(laptop, agree(false))).rejects.toMatchObject({ code: 'declined' })
    expect(laptop.device.rootSigner()).not.toBeNull()
    await signNextSet(phone)
    await removeRoot(laptop, agree(true))
    expect(said).toEqual([false, true])
    daysPass(5)
    expect(await renewOwn(laptop)).toMatchObject({ set: false })
    expect(laptop.store.alarms.open()).toEqual([])
    await expect(revokeDevice(laptop, phone.device.signer.id)).rejects.toMatchObject({ code: 'root-elsewhere' })
    await expect(removeRoot(laptop, agree(true))).rejects.toMatchObject({ code: 'root-elsewhere' })
    expect(await renewOwn(phone)).toMatchObject({ set: true })
  })

  it('signed two sets: the later one is dropped too, with the alarm of a set that this device did not sign', async () => {
    const lies: Lies = {}
    const { laptop, phone } = await bothHold(lies)
    lies.drop = isStatement
    await expect(signNextSet(phone)).rejects.toMatchObject({ name: 'UnreachableError' })
    daysPass(1)
    await signNextSet(laptop)
    delete lies.drop
    await expect(renewOwn(phone)).rejects.toMatchObject({ code: 'set-rollback' })
    expect(phone.store.alarms.open()).toMatchObject([{ reason: 'set-rollback' }])
    expect(unsent(phone)).toBe(0)
  })

  it('keeps what it signed while the server shows no set that came before it', async () => {
    const lies: Lies = {}
    const { laptop, phone } = await bothHold(lies)
    const older = newestSet(laptop)?.ref
    lies.drop = isStatement
    await expect(signNextSet(phone)).rejects.toMatchObject({ name: 'UnreachableError' })
    daysPass(1)
    await signNextSet(laptop)
    delete lies.drop
    lies.change = (request, json) => (isUser(request) ? { ...json, set: older } : undefined)
    await expect(renewOwn(phone)).rejects.toMatchObject({ code: 'set-rollback' })
    expect(unsent(phone)).toBe(1)
  })
})
