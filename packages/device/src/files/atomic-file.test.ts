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

describe('a file written atomically', () => {
  it('is readable by its owner only, whatever the umask, and leaves nothing beside it', () => {
    const before = process.umask(0)
    try {
      writeFileAtomically(join(folder, 'a'), NEW, 'fail')
    } finally {
      process.umask(before)
    }
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['a'])
  })

  it('leaves an existing file as it is unless told to replace it', () => {
    const path = join(folder, 'a')
    writeFileSync(path, OLD)
    expect(() => writeFileAtomically(path, NEW, 'fail')).toThrow(expect.objectContaining({ code: 'file-exists' }))
    expect(readFileSync(path, 'utf8')).toBe('old')
    writeFileAtomically(path, NEW, 'replace')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  it('names the place that is wrong, and no file that nobody knows', () => {
    const failing = (path: string): unknown => {
      try {
        return writeFileAtomically(path, NEW, 'fail')
      } catch (error) {
        return error
      }
    }
    expect(failing(join(folder, 'none', 'a'))).toMatchObject({ code: 'ENOENT', path: join(folder, 'none') })
    writeFileSync(join(folder, 'file'), OLD)
    expect(failing(join(folder, 'file', 'a'))).toMatchObject({ code: 'ENOTDIR', path: join(folder, 'file', 'a') })
  })

  it('does not follow a link that waits at its name', () => {
    const elsewhere = join(folder, 'elsewhere')
    writeFileSync(elsewhere, OLD)
    symlinkSync(elsewhere, join(folder, 'a'))
    expect(() => writeFileAtomically(join(folder, 'a'), NEW, 'fail')).toThrow(
      expect.objectContaining({ code: 'file-exists' }),
    )
    writeFileAtomically(join(folder, 'a'), NEW, 'replace')
    expect(readFileSync(elsewhere, 'utf8')).toBe('old')
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
    expect(() => makePrivateFolder(open)).toThrow(expect.objectContaining({ code: 'permissions-too-open' }))
    writeFileSync(join(folder, 'file'), OLD)
    chmodSync(join(folder, 'file'), 0o644)
    expect(() => makePrivateFile(join(folder, 'file'))).toThrow(
      expect.objectContaining({ code: 'permissions-too-open' }),
    )
    symlinkSync(open, join(folder, 'link'))
    expect(() => makePrivateFolder(join(folder, 'link'))).toThrow(
      expect.objectContaining({ code: 'permissions-too-open' }),
    )
  })
})
