import { type OpenDevice, openDevice, startTransfer, type Transport } from '@keyferry/device'
import { type DeliveryId, utf8 } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addKey } from '../src/device/add-key.ts'
import { followSent } from '../src/device/follow-sent.ts'
import { aDeployment, type Deployment, type TestDevice, toServer } from './in-process.ts'
import { aCall } from './run-here.ts'

let deployment: Deployment
let laptop: TestDevice
let phone: TestDevice
let others: OpenDevice[]
beforeEach(async () => {
  deployment = await aDeployment()
  laptop = await deployment.enrol('marta')
  phone = await deployment.pair(laptop)
  others = []
})
afterEach(async () => {
  for (const open of others) open.close()
  await deployment.close()
})

const isDeposit = (url: string): boolean => url.includes('/envelopes/')

/** A second process of the laptop, that tells what it deposits. */
async function another(sent: Uint8Array[], before: () => Promise<void> = async () => {}): Promise<OpenDevice> {
  const server = toServer(() => deployment.server.port, { online: true })
  const send: Transport['send'] = async (request) => {
    if (isDeposit(request.url)) {
      if (request.content !== null) sent.push(request.content)
      await before()
    }
    return server.send(request)
  }
  const open = await openDevice(laptop.open.folder, { askPassphrase: async () => null, transport: { ...server, send } })
  others.push(open)
  return open
}

/** As `another`, whose deposit waits, once its envelope is kept, until it is let go. */
function holding(): { open: Promise<OpenDevice>; kept: Promise<void>; go: () => void; sent: Uint8Array[] } {
  const [kept, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const sent: Uint8Array[] = []
  const wait = (): Promise<void> => {
    kept.resolve()
    return going.promise
  }
  return { open: another(sent, wait), kept: kept.promise, go: going.resolve, sent }
}

/** A process that had looked for an envelope before the other one kept it: it sees none in its first looks. */
function lookedBefore(open: OpenDevice, looks: number): OpenDevice {
  const { envelopes, ...store } = open.store
  let left = looks
  const find = (dl: DeliveryId, attempt: number): ReturnType<typeof envelopes.find> =>
    left-- > 0 ? null : envelopes.find(dl, attempt)
  return { ...open, store: { ...store, envelopes: { ...envelopes, find, unsent: () => [] } } }
}

describe('two processes of one device that wrap for one delivery at once', () => {
  it.each([
    ['before S12', 1],
    ['when it keeps its own', 2],
  ])(
    'deposit one envelope, and the second, which learns of it %s, ends well and without an alarm',
    async (_, looks) => {
      const octets = utf8('a secret of exactly forty octets, no more.')
      const facts = { type: 'secret', octets, label: 'k', class: 'user', auto: true, file: null } as const
      const record = await addKey(laptop.open, facts)
      const targets = [{ device: phone.open.device.signer.id, username: null }]
      const deadline = laptop.open.now() + 3600
      const transfer = await startTransfer(laptop.open, { record, targets, confirmed: true, deadline })
      const first = holding()
      const firstCall = aCall(laptop.open.folder)
      const firstEnd = followSent(firstCall, await first.open, transfer, 0)
      await first.kept
      const sent: Uint8Array[] = []
      const secondCall = aCall(laptop.open.folder)
      expect(await followSent(secondCall, lookedBefore(await another(sent), looks), transfer, 0)).toBe(0)
      first.go()
      expect(await firstEnd).toBe(0)
      expect(new Set([...first.sent, ...sent].map((one) => Buffer.from(one).toString('hex'))).size).toBe(1)
      expect(secondCall.stderr.text).not.toMatch(/wrapped|refused|replayed/)
      expect(laptop.open.store.alarms.open()).toEqual([])
      await phone.pass()
      expect(phone.events).toContainEqual(expect.objectContaining({ kind: 'receipted', state: 'completed' }))
    },
  )
})
