import { type KeyRecord, revokeDevice, startTransfer } from '@keyferry/device'
import { type KeyId, makeKeyId, utf8 } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'

const SECRET = utf8('a secret of exactly forty octets, no more.')

describe('a key ferried between two devices that are never online together', () => {
  let deployment: Deployment
  let luis: TestDevice
  let marta: TestDevice
  beforeEach(async () => {
    deployment = await aDeployment()
    luis = await deployment.enrol('luis')
    marta = await deployment.enrol('marta')
    pin(luis, marta)
    pin(marta, luis)
  })
  afterEach(() => deployment.close())

  it('arrives, with a receipt, and is erased at the server', async () => {
    const key = await addKey(luis)
    const { user } = marta.open.store.seen.state()
    marta.online = false
    const transfer = await startTransfer(luis.open, {
      record: luis.open.store.keys.find(key) as KeyRecord,
      targets: [{ user, username: 'marta' }],
      confirmed: true,
      deadline: luis.open.now() + 3600,
    })
    await luis.pass()
    expect(luis.events).toContainEqual(expect.objectContaining({ kind: 'deposited', state: 'deposited' }))
    luis.online = false
    marta.online = true
    marta.open.store.rules.put({ owners: [luis.open.store.seen.state().user] })
    await marta.pass()
    expect(marta.events.filter(({ kind }) => kind === 'refused' || kind === 'problem')).toEqual([])
    expect(marta.events).toContainEqual(
      expect.objectContaining({ kind: 'receipted', outcome: 'installed', state: 'completed' }),
    )
    expect(Buffer.from(marta.open.device.exportKey(key, 1))).toEqual(Buffer.from(SECRET))
    marta.online = false
    luis.online = true
    await luis.pass()
    expect(luis.open.store.receipts.find(transfer.deliveries[0]?.dl as never, 1)?.text).toBeTruthy()
  })
})

describe('a second device of somebody', () => {
  it('is paired, gets a key that its human gives once, and is refused after it was revoked', async () => {
    const deployment = await aDeployment()
    try {
      const laptop = await deployment.enrol('luis')
      const phone = await deployment.pair(laptop)
      const key = await addKey(laptop)
      await startTransfer(laptop.open, {
        record: laptop.open.store.keys.find(key) as KeyRecord,
        targets: [{ device: phone.open.device.signer.id, username: 'luis' }],
        confirmed: true,
        deadline: laptop.open.now() + 3600,
      })
      await laptop.pass()
      await deployment.restart()
      await phone.pass()
      expect(phone.events).toContainEqual(expect.objectContaining({ kind: 'installed', from: 'luis' }))
      expect(Buffer.from(phone.open.device.exportKey(key, 1))).toEqual(Buffer.from(SECRET))
      await revokeDevice(laptop.open, phone.open.device.signer.id)
      await expect(phone.pass()).rejects.toMatchObject({ code: 'device-revoked' })
    } finally {
      await deployment.close()
    }
  })

  it('does not get in when the human does not confirm it', async () => {
    const deployment = await aDeployment()
    try {
      const laptop = await deployment.enrol('luis')
      await expect(deployment.pair(laptop, false)).rejects.toMatchObject({ code: 'declined' })
    } finally {
      await deployment.close()
    }
  })
})

function pin(who: TestDevice, other: TestDevice): void {
  const { user, username } = other.open.store.seen.state()
  who.open.store.pins.put({ user, username, root: null, how: 'pinned', since: who.open.now() })
}

async function addKey(who: TestDevice): Promise<KeyId> {
  const { open } = who
  const id = makeKeyId(open.store.seen.state().user, open.random(16))
  const record: KeyRecord = {
    key: { id, class: 'shared', generation: 1, type: 'secret' },
    container: null,
    username: null,
    minExposure: { source: 'software', target: 'software' },
    mechanisms: ['public-key'],
    algs: ['HPKE-7'],
    auto: false,
    browsers: false,
    label: 'a secret',
    file: null,
    createdAt: open.now(),
  }
  open.device.importKey({ key: id, generation: 1, type: 'secret' }, SECRET)
  open.store.keys.put(record)
  await open.client.call({
    method: 'PUT',
    path: `/v1/keys/${id}`,
    json: { class: 'shared', type: 'secret', generation: 1, sources: [open.device.signer.id] },
    headers: { 'if-none-match': '*' },
  })
  return id
}
