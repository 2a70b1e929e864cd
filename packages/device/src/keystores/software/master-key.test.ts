import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  asksPassphrase,
  changePassphrase,
  hasMasterKey,
  MASTER_KEY_FILE,
  makeMasterKey,
  openMasterKey,
} from './master-key.ts'
import { freshPassphraseKdf, type PassphraseKdf } from './passphrase.ts'

const SALT = 'AAECAwQFBgcICQoLDA0ODw'
/** As little work as the algorithms allow: what is tested is not their cost. */
const ARGON2: PassphraseKdf = { kdf: 'argon2id', memory: 64, passes: 1, parallelism: 1, salt: SALT }
const SCRYPT: PassphraseKdf = { kdf: 'scrypt', n: 16, r: 8, p: 1, salt: SALT }
const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
const saying = (text: string) => async (): Promise<Uint8Array> => octets(text)
const nobody = async (): Promise<null> => null
const withCode = (code: string): unknown => expect.objectContaining({ name: 'DeviceError', code })

let folder: string
let path: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'keyferry-master-')), 'profile')
  path = join(folder, MASTER_KEY_FILE)
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

describe('a master key without a passphrase', () => {
  it('is in a file that only its owner reads', async () => {
    expect(hasMasterKey(folder)).toBe(false)
    const key = await makeMasterKey(folder, null)
    expect([hasMasterKey(folder), asksPassphrase(folder), statSync(path).mode & 0o777]).toEqual([true, false, 0o600])
    expect((await openMasterKey(folder, nobody)).equals(key)).toBe(true)
  })

  it('is never overwritten', async () => {
    await makeMasterKey(folder, null)
    const before = readFileSync(path)
    await expect(makeMasterKey(folder, null)).rejects.toThrow(withCode('file-exists'))
    expect(readFileSync(path)).toEqual(before)
  })

  it('is refused when others could have read it, cut short, or not there', async () => {
    await expect(openMasterKey(folder, nobody)).rejects.toThrow(withCode('profile-absent'))
    await makeMasterKey(folder, null)
    const file = readFileSync(path)
    chmodSync(path, 0o644)
    await expect(openMasterKey(folder, nobody)).rejects.toThrow(withCode('permissions-too-open'))
    chmodSync(path, 0o600)
    for (const damaged of [file.subarray(0, -1), file.subarray(5), Buffer.concat([file, file]), Buffer.alloc(0)]) {
      writeFileSync(path, damaged)
      await expect(openMasterKey(folder, nobody)).rejects.toThrow(withCode('profile-damaged'))
    }
  })
})

describe.each([
  ['Argon2id', ARGON2],
  ['scrypt', SCRYPT],
])('a master key under a passphrase, by %s', (_, kdf) => {
  it('opens with that one only, and says so', async () => {
    const key = await makeMasterKey(folder, octets('correct horse'), kdf)
    expect(asksPassphrase(folder)).toBe(true)
    expect((await openMasterKey(folder, saying('correct horse'))).equals(key)).toBe(true)
    await expect(openMasterKey(folder, saying('wrong'))).rejects.toThrow(withCode('passphrase-wrong'))
    await expect(openMasterKey(folder, nobody)).rejects.toThrow(withCode('passphrase-needed'))
  })

  it('erases what the human typed', async () => {
    await makeMasterKey(folder, octets('correct horse'), kdf)
    const typed = octets('correct horse')
    await openMasterKey(folder, async () => typed)
    expect(typed.every((octet) => octet === 0)).toBe(true)
  })

  it('stays the same key under another passphrase, or none', async () => {
    const key = await makeMasterKey(folder, octets('one'), kdf)
    await expect(changePassphrase(folder, saying('wrong'), null)).rejects.toThrow(withCode('passphrase-wrong'))
    await changePassphrase(folder, saying('one'), octets('two'), kdf)
    await expect(openMasterKey(folder, saying('one'))).rejects.toThrow(withCode('passphrase-wrong'))
    expect((await openMasterKey(folder, saying('two'))).equals(key)).toBe(true)
    await changePassphrase(folder, saying('two'), null)
    expect((await openMasterKey(folder, nobody)).equals(key)).toBe(true)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('cannot be made cheaper to guess unseen', async () => {
    await makeMasterKey(folder, octets('one'), kdf)
    const file = readFileSync(path)
    const at = file.indexOf(SALT)
    file[at] = 'B'.charCodeAt(0)
    writeFileSync(path, file)
    await expect(openMasterKey(folder, saying('one'))).rejects.toThrow(withCode('passphrase-wrong'))
  })
})

describe('the cost of a passphrase', () => {
  it('is that of RFC 9106 by default, with a fresh salt', async () => {
    const [one, two] = [freshPassphraseKdf(), freshPassphraseKdf()]
    expect(one).toMatchObject({ kdf: 'argon2id', memory: 65_536, passes: 3, parallelism: 4 })
    expect(one.salt).not.toBe(two.salt)
    const key = await makeMasterKey(folder, octets('one'))
    expect((await openMasterKey(folder, saying('one'))).equals(key)).toBe(true)
  })

  it.each([
    { ...ARGON2, memory: 2 ** 30 },
    { ...ARGON2, passes: 1000 },
    { ...SCRYPT, n: 2 ** 20, r: 32 },
  ])('is refused when it would take for ever: %o', async (kdf) => {
    await makeMasterKey(folder, null)
    const line = JSON.stringify({ v: 1, protection: 'passphrase', kdf })
    writeFileSync(path, Buffer.concat([Buffer.from(`${line}\n`), Buffer.alloc(61, 1)]))
    await expect(openMasterKey(folder, saying('one'))).rejects.toThrow(withCode('profile-damaged'))
  })
})
