import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeFileAtomically } from './atomic-file.ts'
import { makePrivateFile, makePrivateFolder } from './private-place.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const OLD = new TextEncoder().encode('old')
const NEW = new TextEncoder().encode('new')

describe('a file of the device', () => {
  it('is refused by a code of its own where one is already, and only then', () => {
    const path = join(folder, 'a')
    writeFileSync(path, OLD)
    expect(() => writeFileAtomically(path, NEW, 'fail')).toThrow(
      expect.objectContaining({ name: 'DeviceError', code: 'file-exists', hint: null }),
    )
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(readdirSync(folder)).toEqual(['a'])
    expect(() => writeFileAtomically(join(folder, 'none', 'a'), NEW, 'fail')).toThrow(
      expect.objectContaining({ code: 'ENOENT', path: join(folder, 'none') }),
    )
  })
})

describe('a private place', () => {
  it('is made for its owner only', () => {
    makePrivateFolder(join(folder, 'deep', 'profile'))
    makePrivateFile(join(folder, 'deep', 'profile', 'device.db'))
    expect(statSync(join(folder, 'deep', 'profile')).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'deep', 'profile', 'device.db')).mode & 0o777).toBe(0o600)
  })

  it('is refused when others can look into it', () => {
    const open = join(folder, 'open')
    makePrivateFolder(open)
    chmodSync(open, 0o750)
    expect(() => makePrivateFolder(open)).toThrow(tooOpen(`if nobody else has read it: chmod 700 ${open}`))
    const file = join(folder, 'file')
    writeFileSync(file, OLD)
    chmodSync(file, 0o644)
    expect(() => makePrivateFile(file)).toThrow(tooOpen(`if nobody else has read it: chmod 600 ${file}`))
    symlinkSync(open, join(folder, 'link'))
    expect(() => makePrivateFolder(join(folder, 'link'))).toThrow(tooOpen('use a folder of your own, not a link'))
  })
})

function tooOpen(hint: string): unknown {
  return expect.objectContaining({ name: 'DeviceError', code: 'permissions-too-open', hint })
}
