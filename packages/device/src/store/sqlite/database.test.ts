import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type KeyId, makeKeyId, parseThumbprint } from '@keyferry/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEVICE_DATABASE, hasDeviceStore, memoryDeviceStore, openDeviceStore } from './open-device-store.ts'

const USER = parseThumbprint('8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA')
const OTHER = parseThumbprint('0NcTMSlAa8MSA6mfrR5o926JOmIM_61V2CLW82ymCcs')
const KEY: KeyId = makeKeyId(USER, new Uint8Array(16))
const withCode = (code: string): unknown => expect.objectContaining({ code })

describe('a transaction', () => {
  it('keeps all or nothing', () => {
    const store = memoryDeviceStore()
    expect(() =>
      store.transaction(() => {
        store.unwrapFailures.add(USER)
        store.clock.raise(7)
        throw new Error('no')
      }),
    ).toThrow('no')
    expect([store.unwrapFailures.count(USER), store.clock.last()]).toEqual([0, 0])
    expect(
      store.transaction(() => {
        store.unwrapFailures.add(USER)
        return store.unwrapFailures.count(USER)
      }),
    ).toBe(1)
  })

  it('undoes an inner one alone, if its failure is caught', () => {
    const store = memoryDeviceStore()
    store.transaction(() => {
      store.unwrapFailures.add(USER)
      try {
        store.transaction(() => {
          store.unwrapFailures.add(OTHER)
          throw new Error('no')
        })
      } catch {
        store.clock.raise(3)
      }
    })
    expect([store.unwrapFailures.count(USER), store.unwrapFailures.count(OTHER), store.clock.last()]).toEqual([1, 0, 3])
  })

  it('cannot wait inside', () => {
    const store = memoryDeviceStore()
    expect(() =>
      store.transaction(async () => {
        store.unwrapFailures.add(USER)
      }),
    ).toThrow(TypeError)
    expect(store.unwrapFailures.count(USER)).toBe(0)
  })

  it('that cannot be committed is as if it had not been', () => {
    let armed = false
    const beforeCommit = (): void => {
      if (armed) throw new Error('power')
    }
    const store = memoryDeviceStore({ beforeCommit })
    armed = true
    expect(() => store.transaction(() => store.unwrapFailures.add(USER))).toThrow('power')
    armed = false
    expect(store.unwrapFailures.count(USER)).toBe(0)
    store.transaction(() => store.unwrapFailures.add(USER))
    expect(store.unwrapFailures.count(USER)).toBe(1)
  })

  it('says store-failed for what the database does not take, and nothing of what it was', () => {
    const store = memoryDeviceStore()
    const wrong = { ...RECORD, createdAt: 'secret words' as unknown as number }
    expect(() => store.keys.put(wrong)).toThrow(
      expect.objectContaining({ code: 'store-failed', message: expect.not.stringContaining('secret') }),
    )
  })
})

const RECORD = {
  key: { id: KEY, class: 'shared', generation: 1, type: 'secret' },
  container: null,
  username: null,
  minExposure: { source: 'software', target: 'software' },
  mechanisms: ['public-key'],
  algs: ['HPKE-7'],
  auto: false,
  browsers: false,
  label: 'ssh laptop',
  file: null,
  createdAt: 1,
} as const

describe('a store in a folder', () => {
  let folder: string
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'keyferry-store-')), 'profile')
  })
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

  it('is private, with its log, and still there when opened again', () => {
    expect(hasDeviceStore(folder)).toBe(false)
    const store = openDeviceStore(folder)
    store.keys.put(RECORD)
    for (const name of ['', '-wal', '-shm']) {
      expect(statSync(join(folder, `${DEVICE_DATABASE}${name}`)).mode & 0o777).toBe(0o600)
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    store.close()
    const again = openDeviceStore(folder)
    expect(again.keys.find(KEY)).toEqual(RECORD)
    again.close()
    expect(hasDeviceStore(folder)).toBe(true)
  })

  it('shows one process what another has written', () => {
    const [one, two] = [openDeviceStore(folder), openDeviceStore(folder)]
    one.keys.put(RECORD)
    expect(two.keys.find(KEY)).toEqual(RECORD)
    one.close()
    two.close()
  })

  it('is read while another process writes', () => {
    const [writer, reader] = [openDeviceStore(folder), openDeviceStore(folder)]
    const identity = {
      origin: 'https://keys.example',
      user: USER,
      username: 'marta',
      device: OTHER,
      kind: 'software',
    } as const
    writer.identity.put({ ...identity, label: 'phone', joinedAt: 1 })
    writer.anchors.put({ cas: [], witnesses: [], quorum: 0, log: 'one' })
    writer.transaction(() => {
      writer.anchors.put({ cas: [], witnesses: [], quorum: 0, log: 'two' })
      expect(reader.seen.state().trust.log).toBe('one')
    })
    expect(reader.seen.state().trust.log).toBe('two')
    writer.close()
    reader.close()
  })

  it('is refused when others can read it', () => {
    openDeviceStore(folder).close()
    chmodSync(join(folder, DEVICE_DATABASE), 0o640)
    expect(() => openDeviceStore(folder)).toThrow(withCode('permissions-too-open'))
    chmodSync(join(folder, DEVICE_DATABASE), 0o600)
    chmodSync(folder, 0o755)
    expect(() => openDeviceStore(folder)).toThrow(withCode('permissions-too-open'))
  })

  it('of a newer program is left alone', () => {
    openDeviceStore(folder).close()
    const db = new DatabaseSync(join(folder, DEVICE_DATABASE))
    db.exec('PRAGMA user_version = 1000')
    db.close()
    expect(() => openDeviceStore(folder)).toThrow(withCode('profile-newer'))
  })

  it('that is no database is said to be damaged', () => {
    openDeviceStore(folder).close()
    writeFileSync(join(folder, DEVICE_DATABASE), Buffer.alloc(8192, 7))
    expect(() => openDeviceStore(folder)).toThrow(withCode('profile-damaged'))
  })

  it('holds no octet of a destroyed key, neither in the file nor in its log', () => {
    const store = openDeviceStore(folder)
    const sealed = new TextEncoder().encode('MARK-OF-A-SEALED-KEY')
    store.sealedKeys.putKeyOctets({ key: KEY, generation: 1, type: 'secret', sealed })
    const files = ['', '-wal'].map((name) => join(folder, `${DEVICE_DATABASE}${name}`))
    const found = (): boolean =>
      files.some((path) => existsSync(path) && readFileSync(path).includes(Buffer.from(sealed)))
    expect(found()).toBe(true)
    store.transaction(() => {
      store.sealedKeys.removeKeyOctets(KEY, 1)
      store.unwrapFailures.add(USER)
    })
    expect(found()).toBe(false)
    store.close()
  })
})
