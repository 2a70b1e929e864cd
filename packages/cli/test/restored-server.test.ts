import { cpSync, rmSync } from 'node:fs'
import { type KeyRecord, startTransfer } from '@keyferry/device'
import { type KeyferryError, utf8 } from '@keyferry/protocol'
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
/** A device that has relied on what the server no longer has: its backup was brought back. */
beforeEach(async () => {
  deployment = await aDeployment()
  laptop = await deployment.enrol('marta')
  phone = await deployment.pair(laptop)
  await sends()
  await deployment.restart({}, (data) => cpSync(data, `${data} backup`, { recursive: true }))
  await laptop.pass()
  await phone.pass()
  await sends()
  await laptop.pass()
  await phone.pass()
  await requireGrownLog(laptop.open)
  await deployment.restart({}, (data) => {
    rmSync(data, { recursive: true })
    cpSync(`${data} backup`, data, { recursive: true })
  })
  laptop.events.length = 0
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

describe('a server that was restored from a backup', () => {
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
