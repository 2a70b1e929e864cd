import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  acceptLog,
  findDevice,
  type KeyRecord,
  renewOwn,
  revokeDevice,
  sendUnsentStatements,
  startTransfer,
} from '@keyferry/device'
import { deviceStatement, type KeyferryError, makeVkey, readStatement, signStatement, utf8 } from '@keyferry/protocol'
import { startNewLog } from '@keyferry/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../src/console/failure.ts'
import { addKey } from '../src/device/add-key.ts'
import { requireGrownLog, watchLog } from '../src/device/upkeep.ts'
import { examine } from '../src/doctor/examine.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { aDeployment, type Deployment, type TestDevice } from './in-process.ts'

const OLDER = /older log than you have seen: a restored backup, or a lie/

let deployment: Deployment
let laptop: TestDevice
let phone: TestDevice
beforeEach(async () => {
  deployment = await aDeployment()
  laptop = await deployment.enrol('marta')
  phone = await deployment.pair(laptop)
})
afterEach(() => deployment.close())

async function sends(): Promise<void> {
  const octets = utf8('a secret of exactly forty octets, no more.')
  const known: KeyRecord | undefined = laptop.open.store.keys.list()[0]
  const facts = { type: 'secret', octets, label: 'backup', class: 'user', auto: true, file: null } as const
  const record = known ?? (await addKey(laptop.open, facts))
  await startTransfer(laptop.open, {
    record,
    targets: [{ device: phone.open.device.signer.id, username: null }],
    confirmed: true,
    deadline: laptop.open.now() + 3600,
    redelivery: known !== undefined,
  })
}

async function backUp(): Promise<void> {
  await deployment.restart({}, (data) => cpSync(data, `${data} backup`, { recursive: true }))
}

async function restore(then: (data: string) => unknown = () => {}): Promise<void> {
  await deployment.restart({}, (data) => {
    rmSync(data, { recursive: true })
    cpSync(`${data} backup`, data, { recursive: true })
    return then(data)
  })
}

/** The devices have relied on what the server has no more. */
async function restoreOlderThanSeen(): Promise<void> {
  await sends()
  await backUp()
  await laptop.pass()
  await phone.pass()
  await sends()
  await laptop.pass()
  await phone.pass()
  await requireGrownLog(laptop.open)
  await restore()
  laptop.events.length = 0
}

/** As `keyferry log new` does it, between two runs of the server. */
async function newLog(data: string): Promise<string> {
  return (await startNewLog(data)).logKey
}

describe('a server that was restored from a backup', () => {
  beforeEach(restoreOlderThanSeen)

  it('is told as that, with what to do and exit code 4', async () => {
    const failure = failureOf(await requireGrownLog(laptop.open).catch((error: unknown) => error), 'not sent')
    expect(failure).toMatchObject({ code: 'checkpoint-stale', why: expect.stringMatching(OLDER), exit: 4 })
    expect(failure.hint).not.toMatch(/witness/)
  })

  it('is found by doctor', async () => {
    const found: Finding[] = []
    for await (const finding of examine(laptop.open)) found.push(finding)
    expect(found.find(({ what }) => what === 'log')).toMatchObject({
      state: 'bad',
      text: expect.stringMatching(OLDER),
      hint: expect.not.stringMatching(/witness/),
    })
  })

  it('is told by the agent, once, and where a key is due', async () => {
    await expect(laptop.pass()).rejects.toMatchObject({ code: 'read-only' })
    expect(laptop.events).toContainEqual(
      expect.objectContaining({ kind: 'problem', code: 'checkpoint-stale', why: expect.stringMatching(OLDER) }),
    )
    const told: KeyferryError[] = []
    const stopping = new AbortController()
    let rounds = 0
    await watchLog(
      laptop.open,
      stopping.signal,
      (error) => told.push(error),
      async () => {
        if (++rounds === 3) stopping.abort()
      },
    )
    expect(told.map(({ message }) => message)).toEqual([expect.stringMatching(OLDER)])
  })

  it('takes nothing more once it was shown what it had signed', async () => {
    await requireGrownLog(laptop.open).catch(() => {})
    await expect(sends()).rejects.toMatchObject({ code: 'read-only' })
  })
})

describe('a new log on the restored data', () => {
  let logKey: string
  const begin = async (data: string): Promise<void> => {
    logKey = await newLog(data)
  }

  it('takes writes again, and devices believe it once the root of their user does', async () => {
    await restoreOlderThanSeen()
    await requireGrownLog(laptop.open).catch(() => {})
    await expect(sends()).rejects.toMatchObject({ code: 'read-only' })
    await deployment.restart({}, begin)
    await expect(requireGrownLog(laptop.open)).rejects.toMatchObject({ code: 'checkpoint-invalid' })
    await acceptLog(laptop.open, logKey)
    await requireGrownLog(laptop.open)
    await sends()
    await laptop.pass()
    await phone.pass()
    const sent = laptop.events.find((event) => event.kind === 'wrapped')
    const receipted = { kind: 'receipted', dl: sent?.dl, state: 'completed' }
    expect(phone.events).toContainEqual(expect.objectContaining(receipted))
    expect([...laptop.open.store.alarms.open(), ...phone.open.store.alarms.open()]).toEqual([])
  })

  it('is followed by the other devices of the user also without a key', async () => {
    await requireGrownLog(phone.open)
    await deployment.restart({}, begin)
    await expect(requireGrownLog(phone.open)).rejects.toMatchObject({ code: 'checkpoint-invalid' })
    await acceptLog(laptop.open, logKey)
    await requireGrownLog(phone.open)
    expect(phone.open.store.seen.state().trust.log).toBe(logKey)
  })

  it('is not taken for another one', async () => {
    const before = laptop.open.store.seen.state().trust.log
    await deployment.restart({}, begin)
    await expect(acceptLog(laptop.open, before)).rejects.toMatchObject({ code: 'checkpoint-invalid' })
    const elsewhere = makeVkey('other.example/log', 'log', new Uint8Array(32).fill(7)).text
    await expect(acceptLog(laptop.open, elsewhere)).rejects.toMatchObject({ code: 'malformed' })
    expect(laptop.open.store.seen.state().trust.log).toBe(before)
  })

  it('brings back what a user said after the backup: a device that was revoked stays revoked', async () => {
    const tablet = await deployment.pair(laptop)
    await backUp()
    await revokeDevice(laptop.open, tablet.open.device.signer.id)
    await expect(tablet.pass()).rejects.toMatchObject({ code: 'device-revoked' })
    await restore(begin)
    await tablet.pass()
    await acceptLog(laptop.open, logKey)
    await expect(tablet.pass()).rejects.toMatchObject({ code: 'device-revoked' })
  })

  it('brings back what a device said of itself after the backup', async () => {
    const { ownStatements } = phone.open.store
    const signer = phone.open.device.signer
    const shown = async (): Promise<string> => (await findDevice(phone.open, signer.id)).statement
    await backUp()
    const first = readStatement(deviceStatement, ownStatements.newest('kf-device+jwt')?.text ?? '')
    const at = phone.open.now()
    const { ref, text } = await signStatement(deviceStatement, signer, { ...first.payload, seq: 2, iat: at })
    ownStatements.put({ typ: 'kf-device+jwt', seq: 2, ref, text, at })
    await sendUnsentStatements(phone.open)
    expect(await shown()).toBe(ref)
    await restore(begin)
    expect(await shown()).toBe(first.ref)
    await acceptLog(laptop.open, logKey)
    await renewOwn(phone.open)
    expect(await shown()).toBe(ref)
    expect(phone.open.store.alarms.open()).toEqual([])
  })

  it('cannot bring back a device that was admitted after the backup', async () => {
    await backUp()
    await deployment.pair(laptop)
    await restore(begin)
    await expect(acceptLog(laptop.open, logKey)).rejects.toMatchObject({
      code: 'statement-invalid',
      details: { check: 'set-invalid' },
    })
  })

  it('is begun only where a server was', async () => {
    const folder = join(deployment.folder, 'nobody')
    await expect(startNewLog(folder)).rejects.toMatchObject({ code: 'data-absent' })
    expect(existsSync(folder)).toBe(false)
    await expect(startNewLog(join(deployment.folder, 'server'))).rejects.toMatchObject({ code: 'data-in-use' })
  })
})
