import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { Change } from '../src/store/changes.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../src/store/store.ts'
import { aDeliveryRow, after, anEnvelopeRow, aTransferRow, idOf, thumb } from './support/rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'keyferry-sqlite-'))
const CHILD = fileURLToPath(new URL('./support/commit-until-killed.ts', import.meta.url))
let opened: Store[] = []
async function open(path: string): Promise<Store> {
  const store = await openSqliteStore(path)
  opened.push(store)
  return store
}
afterEach(async () => {
  for (const store of opened) await store.close()
  opened = []
})
// Processes and real disks: slow where others use the machine.
vi.setConfig({ testTimeout: 120_000 })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Asks again until it is so, for 60 seconds at most. */
async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !isSo(); ) {
    if (Date.now() > end) throw new Error(`not within 60 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** What of a child's acknowledgements a later reader must find. */
async function expectAllThere(store: Store, acknowledged: Map<string, number>): Promise<void> {
  for (const [name, index] of acknowledged) {
    expect(await store.read.transfer(idOf('tr', name))).toEqual(aTransferRow(name))
    expect(await store.read.delivery(idOf('dl', name))).toEqual(aDeliveryRow(name, name))
    expect((await store.read.leaves(index, index + 1))[0]?.text).toBe(`leaf ${name} ${idOf('dl', name)}`)
  }
  const count = await store.read.leafCount()
  expect((await store.read.leaves(0, count)).map(({ index }) => index)).toEqual(
    Array.from({ length: count }, (_, i) => i),
  )
}

describe('the SQLite file', () => {
  it('is readable by its owner only, and so is what lies beside it', async () => {
    const path = join(folder, 'new', 'folder', 'mode.db')
    const store = await open(path)
    await store.commit([{ kind: 'put-meta', name: 'x', value: 'y' }])
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777).toBe(0o600)
    await store.close()
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  it('cannot be opened where it cannot be written, and the error says where', async () => {
    const notAFolder = join(folder, 'file')
    writeFileSync(notAFolder, '')
    await expect(openSqliteStore(join(notAFolder, 'x.db'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(notAFolder),
    })
  })

  it('opens also after a newer server has worked on it', async () => {
    const path = join(folder, 'newer.db')
    await (await open(path)).close()
    const db = new DatabaseSync(path)
    db.exec("insert into kysely_migration (name, timestamp) values ('9999', '2030-01-01T00:00:00Z')")
    db.exec('alter table account add column later text')
    db.close()
    const store = await open(path)
    await store.commit([{ kind: 'put-meta', name: 'x', value: 'y' }])
    expect(await store.read.meta('x')).toBe('y')
  })

  it('holds every acknowledged unit after the process was killed', async () => {
    for (const [round, units] of [40, 700].entries()) {
      const path = join(folder, `killed-${round}.db`)
      const acknowledged = new Map<string, number>()
      const child = spawn(process.execPath, [CHILD, path], { stdio: ['ignore', 'pipe', 'inherit'] })
      for await (const line of createInterface(child.stdout)) {
        const [name, index] = line.split(' ')
        acknowledged.set(name as string, Number(index))
        if (acknowledged.size === units) child.kill('SIGKILL')
      }
      expect(acknowledged.size).toBeGreaterThanOrEqual(units)
      await expectAllThere(await open(path), acknowledged)
    }
  })

  it('belongs to one server at a time', async () => {
    const path = join(folder, 'owned.db')
    const first = await open(path)
    await expect(openSqliteStore(path)).rejects.toMatchObject({
      code: 'data-in-use',
      hint: expect.stringContaining(path),
    })
    await first.commit([{ kind: 'put-meta', name: 'x', value: 'y' }])
    await first.close()
    expect(await (await open(path)).read.meta('x')).toBe('y')
  })

  it('is opened although somebody who reads it is in the way for a moment', async () => {
    const path = join(folder, 'read.db')
    await (await open(path)).close()
    // What a backup does that opens the file first, and so keeps it to itself while it sets up the log beside it.
    const hold = `
      const { DatabaseSync } = require('node:sqlite')
      const db = new DatabaseSync(${JSON.stringify(path)})
      db.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
      require('node:worker_threads').parentPort.postMessage('held')
      setTimeout(() => db.close(), 1000)`
    const holder = new Worker(hold, { eval: true })
    await once(holder, 'message')
    const store = await open(path)
    await store.commit([{ kind: 'put-meta', name: 'x', value: 'y' }])
    await holder.terminate()
  })

  it('acknowledges nothing that a size limit keeps from the disk', async () => {
    const path = join(folder, 'limited.db')
    await (await open(path)).close()
    // 1024 blocks of 512 octets. The signal that comes with the limit is ignored, so that the write fails instead.
    const limited = `trap '' XFSZ; ulimit -f 1024; exec "$0" "$@"`
    const child = spawn('sh', ['-c', limited, process.execPath, CHILD, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const acknowledged = new Map<string, number>()
    let failure = ''
    for await (const line of createInterface(child.stdout)) {
      const [name, index] = line.split(' ')
      if (name === 'failed') failure = line
      else acknowledged.set(name as string, Number(index))
    }
    if (child.exitCode === null) await once(child, 'exit')
    expect(failure).toMatch(/^failed unavailable \d+$/)
    expect(acknowledged.size).toBeGreaterThan(0)
    await expectAllThere(await open(path), acknowledged)
  })
})

describe('erased wrapped keys', () => {
  const delivery = (name: string): Change[] => [
    { kind: 'insert-transfer', row: aTransferRow(name) },
    { kind: 'insert-delivery', row: aDeliveryRow(name, name) },
    { kind: 'insert-envelope', row: anEnvelopeRow(name, 1, 700 + (Number(name) % 7) * 900) },
  ]
  /** Whether the octets, or a part from their middle, are in one of the files. */
  const onDisk = (path: string, octets: Uint8Array): boolean =>
    [path, `${path}-wal`]
      .filter((file) => existsSync(file))
      .some((file) => {
        const content = readFileSync(file)
        return content.includes(octets.subarray(0, 32)) || content.includes(octets.subarray(-32))
      })

  it('leave neither their octets nor their random key in the database or its log', async () => {
    const path = join(folder, 'erase.db')
    const store = await open(path)
    const names = Array.from({ length: 60 }, (_, i) => String(i))
    for (const name of names) await store.commit(delivery(name))
    for (const name of names) {
      expect(onDisk(path, anEnvelopeRow(name).key)).toBe(true)
      if (Number(name) % 2 === 0) continue
      await store.commit([{ kind: 'erase-envelopes', dl: idOf('dl', name) }])
    }
    await eventually('the WAL is empty', () => statSync(`${path}-wal`).size === 0)
    for (const name of names) {
      const { sealed, key, dl } = anEnvelopeRow(name, 1, 700 + (Number(name) % 7) * 900)
      const kept = Number(name) % 2 === 0
      expect([onDisk(path, sealed), onDisk(path, key)]).toEqual([kept, kept])
      expect((await store.read.sealedEnvelope(dl, 1)) !== null).toBe(kept)
    }
  })

  it('leave the log once no reader is in the way, or at the next start', async () => {
    const path = join(folder, 'erase-later.db')
    const store = await open(path)
    await store.commit(delivery('1'))
    const reader = new DatabaseSync(path)
    reader.exec('begin; select count(*) from meta')
    await store.commit([{ kind: 'erase-envelopes', dl: idOf('dl', '1') }])
    // What a crash leaves: both files as they are now.
    const copy = join(folder, 'erase-crashed.db')
    for (const end of ['', '-wal']) writeFileSync(copy + end, readFileSync(path + end))
    expect(onDisk(copy, anEnvelopeRow('1').key)).toBe(true)
    await open(copy)
    expect(onDisk(copy, anEnvelopeRow('1').key)).toBe(false)
    reader.close()
    await eventually('the WAL is empty', () => statSync(`${path}-wal`).size === 0)
    expect(onDisk(path, anEnvelopeRow('1').key)).toBe(false)
  })

  it('leave no random key behind, however much comes and goes', async () => {
    const path = join(folder, 'churn.db')
    const store = await open(path)
    const live: string[] = []
    const erased: string[] = []
    for (let round = 0; round < 6; round++) {
      const names = Array.from({ length: 50 }, (_, i) => String(round * 50 + i))
      await Promise.all(names.map((name) => store.commit(delivery(name))))
      live.push(...names)
      const gone = live.filter((_, i) => i % 3 !== round % 3)
      await Promise.all(gone.map((name) => store.commit([{ kind: 'erase-envelopes', dl: idOf('dl', name) }])))
      erased.push(...gone)
      live.splice(0, live.length, ...live.filter((name) => !gone.includes(name)))
      await eventually('the WAL is empty', () => statSync(`${path}-wal`).size === 0)
      expect(erased.filter((name) => onDisk(path, anEnvelopeRow(name).key))).toEqual([])
    }
  })
})

/** Runs with a file system of 2 MiB; false where nobody may mount one. */
async function onSmallDisk(name: string, use: (disk: string) => Promise<void>): Promise<boolean> {
  const disk = join(folder, name)
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'keyferry-test', disk], { stdio: 'ignore' })
  } catch {
    return false
  }
  try {
    await use(disk)
  } finally {
    for (const store of opened.splice(0)) await store.close()
    execFileSync('umount', [disk])
  }
  return true
}

describe('a disk', () => {
  it('that is full refuses, keeps what was acknowledged, and goes on when there is room', async ({ skip }) => {
    const mounted = await onSmallDisk('full', async (disk) => {
      const path = join(disk, 'full.db')
      const store = await open(path)
      const ballast = join(disk, 'ballast')
      const first = aDeliveryRow('d', 't')
      await store.commit([
        { kind: 'insert-transfer', row: aTransferRow('t') },
        { kind: 'insert-delivery', row: first },
      ])
      // That it does not fit is the point.
      expect(() => writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024))).toThrow('ENOSPC')
      const move: Change[] = [
        { kind: 'replace-delivery', row: after(first, { state: 'admitted' }) },
        { kind: 'put-meta', name: 'big', value: 'x'.repeat(200_000) },
        { kind: 'append-leaf', ref: thumb('leaf'), text: 'leaf' },
      ]
      for (let i = 0; i < 3; i++) {
        await expect(store.commit(move)).rejects.toMatchObject({
          code: 'unavailable',
          details: { retryAfter: expect.any(Number) },
        })
        expect(await store.read.delivery(first.dl)).toEqual(first)
        expect(await store.read.leafCount()).toBe(0)
      }
      rmSync(ballast)
      expect(await store.commit(move)).toEqual({ leafIndexes: [0] })
      expect((await store.read.delivery(first.dl))?.state).toBe('admitted')
      await store.close()
      expect((await (await open(path)).read.delivery(first.dl))?.state).toBe('admitted')
    })
    skip(!mounted, 'nobody may mount a small disk here')
  })

  it('that is read-only is named at the start', async ({ skip }) => {
    const mounted = await onSmallDisk('read-only', async (disk) => {
      const path = join(disk, 'there.db')
      await (await openSqliteStore(path)).close()
      execFileSync('mount', ['-o', 'remount,ro', disk])
      for (const name of ['new.db', 'there.db']) {
        await expect(openSqliteStore(join(disk, name))).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringContaining(name),
        })
      }
    })
    skip(!mounted, 'nobody may mount a small disk here')
  })
})
