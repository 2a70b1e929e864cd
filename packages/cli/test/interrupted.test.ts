import { generateKeyPairSync } from 'node:crypto'
import { type KeyRecord, retryDelivery, startTransfer, type TransferShown } from '@keyferry/device'
import { KeyferryError, type KeyId } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addKey } from '../src/device/add-key.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'

/** Smaller than what an envelope with a large RSA key takes. */
const SMALL = { limits: { envelopeBytes: 8192 } }

let deployment: Deployment
let laptop: TestDevice
let phone: TestDevice
beforeEach(async () => {
  deployment = await aDeployment(SMALL)
  laptop = await deployment.enrol('marta')
  phone = await deployment.pair(laptop)
})
afterEach(() => deployment.close())

describe('a transfer whose first request was not answered', () => {
  const isTrigger = ({ method, url }: { method: string; url: string }): boolean =>
    method === 'POST' && url.endsWith('/v1/transfers')

  it('is asked for again by the agent, once, with what its human agreed to', async () => {
    const key = await newKey(laptop, 'small')
    laptop.lose = isTrigger
    await expect(send(laptop, key, phone)).rejects.toThrow('the answer is lost')
    laptop.lose = () => false
    await laptop.pass()
    expect(kinds(laptop)).toContain('deposited')
    expect(kinds(laptop)).not.toContain('asks')
    await phone.pass()
    expect(phone.events).toContainEqual(expect.objectContaining({ kind: 'receipted', state: 'completed' }))
    expect(await transfers(laptop)).toHaveLength(1)
  })

  it('is kept while the server can say neither yes nor no', async () => {
    const key = await newKey(laptop, 'small')
    laptop.lose = isTrigger
    await expect(send(laptop, key, phone)).rejects.toThrow('the answer is lost')
    // As of a request that was signed before the server started.
    laptop.lose = (request) => {
      if (isTrigger(request)) throw new KeyferryError('signature-expired', 'too early')
      return false
    }
    await laptop.pass()
    expect(kinds(laptop)).not.toContain('deposited')
    laptop.lose = () => false
    await laptop.pass()
    expect(kinds(laptop)).toContain('deposited')
    expect(kinds(laptop)).not.toContain('asks')
  })
})

describe('a key that was taken in by an agent that died before it was filed', () => {
  it('is filed by the next one, then the receipt goes', async () => {
    const key = await newKey(laptop, 'small')
    await send(laptop, key, phone)
    await laptop.pass()
    let died: () => void = () => {}
    const dead = new Promise<void>((resolve) => {
      died = resolve
    })
    phone.place = () => {
      died()
      return new Promise(() => {})
    }
    phone.pass().catch(() => {})
    await dead
    const placed: string[] = []
    phone.place = async ({ id }) => {
      placed.push(id)
      return '/a/file'
    }
    phone.startAgain()
    await phone.pass()
    expect(placed).toEqual([key])
    expect(phone.events).toContainEqual(expect.objectContaining({ kind: 'installed', from: 'marta', where: '/a/file' }))
    expect(phone.events).toContainEqual(expect.objectContaining({ kind: 'receipted', state: 'completed' }))
  })
})

describe('a source whose deposit the server refuses', () => {
  it('refuses after 413, and a retry succeeds once the server takes more', async () => {
    const key = await newKey(laptop, 'large')
    const { deliveries } = await send(laptop, key, phone)
    await laptop.pass()
    expect(laptop.events).toContainEqual(
      expect.objectContaining({ kind: 'refused', role: 'source', reason: 'too-large' }),
    )
    expect(await states(laptop)).toEqual(['refused source too-large'])
    await deployment.restart({})
    await retryAndFerry(deliveries[0]?.dl as string)
  })

  it('refuses after 422 with the check that failed, and a retry succeeds once its clock is right', async () => {
    const key = await newKey(laptop, 'small')
    const { deliveries } = await send(laptop, key, phone)
    // The server takes an order that is 60 s ahead at the most.
    laptop.aheadSeconds = 120
    await laptop.pass()
    expect(laptop.events).toContainEqual(
      expect.objectContaining({ kind: 'refused', role: 'source', reason: 'order-invalid' }),
    )
    expect(await states(laptop)).toEqual(['refused source order-invalid'])
    laptop.aheadSeconds = 0
    await retryAndFerry(deliveries[0]?.dl as string)
  })
})

/** Row 15 of PROTOCOL 5, as `keyferry transfer retry` does it; then everything goes as it should. */
async function retryAndFerry(dl: string): Promise<void> {
  const again = await retryDelivery(laptop.open, dl, laptop.open.now() + 3600)
  expect(again).toMatchObject({ attempt: 2 })
  await laptop.pass()
  await phone.pass()
  expect(phone.events).toContainEqual(expect.objectContaining({ kind: 'receipted', dl, outcome: 'installed' }))
  await laptop.pass()
  expect(await states(laptop)).toEqual(['completed'])
  expect(laptop.open.store.receipts.find(dl as never, 2)?.text).toBeTruthy()
}

async function newKey({ open }: TestDevice, size: 'small' | 'large'): Promise<KeyId> {
  const { privateKey } =
    size === 'small'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 4096 })
  const octets = privateKey.export({ format: 'der', type: 'pkcs8' })
  const added = { type: 'private', octets, label: `a ${size} key`, class: 'user', auto: false, file: null } as const
  return (await addKey(open, added)).key.id
}

function send(from: TestDevice, key: KeyId, to: TestDevice): Promise<TransferShown> {
  return startTransfer(from.open, {
    record: from.open.store.keys.find(key) as KeyRecord,
    targets: [{ device: to.open.device.signer.id, username: null }],
    confirmed: true,
    deadline: from.open.now() + 3600,
  })
}

async function transfers({ open }: TestDevice): Promise<readonly TransferShown[]> {
  const answer = await open.client.call({ method: 'GET', path: '/v1/transfers?limit=50' })
  return (JSON.parse(Buffer.from(answer.content).toString()) as { items: TransferShown[] }).items
}

async function states(device: TestDevice): Promise<readonly string[]> {
  return (await transfers(device)).flatMap(({ deliveries }) =>
    deliveries.map(({ state, stage, reason }) => [state, stage, reason].filter((word) => word !== undefined).join(' ')),
  )
}

function kinds({ events }: TestDevice): readonly string[] {
  return events.map(({ kind }) => kind)
}
