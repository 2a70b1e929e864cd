import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { Change } from '../src/store/changes.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../src/store/store.ts'
import { aDeliveryRow, after, anEnvelopeRow, aTransferRow, idOf } from './support/rows.ts'

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
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Asks again until it is so, for 10 seconds at most. */
async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo(); ) {
    if (Date.now() > end) throw new Error(`not within 10 s: ${what}`)
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

  it('leave the log at the next start if the process ended before', async () => {
    const path = join(folder, 'erase-later.db')
    const store = await open(path)
    await store.commit(delivery('1'))
    await store.commit([{ kind: 'erase-envelopes', dl: idOf('dl', '1') }])
    // What a crash leaves: both files as they are now, before anybody tidied.
    const copy = join(folder, 'erase-crashed.db')
    for (const end of ['', '-wal']) writeFileSync(copy + end, readFileSync(path + end))
    expect(onDisk(copy, anEnvelopeRow('1').key)).toBe(true)
    await open(copy)
    expect(onDisk(copy, anEnvelopeRow('1').key)).toBe(false)
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

/** A file system of 2 MiB, or null where nobody may mount one. */
function smallDisk(): string | null {
  const at = join(folder, 'small-disk')
  mkdirSync(at)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'keyferry-test', at], { stdio: 'ignore' })
    return at
  } catch {
    return null
  }
}

describe('a full disk', () => {
  const disk = smallDisk()
  afterAll(() => {
    if (disk !== null) execFileSync('umount', [disk])
  })

  it.skipIf(disk === null)(
    'refuses what it cannot write, keeps what it acknowledged, goes on when there is room',
    async () => {
      const path = join(disk as string, 'full.db')
      const store = await open(path)
      const ballast = join(disk as string, 'ballast')
      const first = aDeliveryRow('d', 't')
      await store.commit([
        { kind: 'insert-transfer', row: aTransferRow('t') },
        { kind: 'insert-delivery', row: first },
      ])
      try {
        writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024))
      } catch {
        // That it does not fit is the point.
      }
      const move: Change[] = [
        { kind: 'replace-delivery', row: after(first, { state: 'admitted' }) },
        { kind: 'put-meta', name: 'big', value: 'x'.repeat(200_000) },
        { kind: 'append-leaf', ref: idOf('dl', 'd') as never, text: 'leaf' },
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
      const again = await open(path)
      expect((await again.read.delivery(first.dl))?.state).toBe('admitted')
    },
  )

  it.skipIf(disk === null)('says at the start that its folder is read-only', async () => {
    execFileSync('mount', ['-o', 'remount,ro', disk as string])
    await expect(openSqliteStore(join(disk as string, 'ro.db'))).rejects.toMatchObject({ code: 'unavailable' })
    await expect(openSqliteStore(join(disk as string, 'full.db'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('full.db'),
    })
  })
})
