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
import { readFileIfThere, writeFileAtomically } from './atomic-file.ts'
import { makePrivateFolder } from './private-place.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-server-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
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
    writeFileSync(path, 'old')
    expect(() => writeFileAtomically(path, NEW, 'fail')).toThrow(expect.objectContaining({ code: 'file-exists' }))
    expect(readFileSync(path, 'utf8')).toBe('old')
    writeFileAtomically(path, NEW, 'replace')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(folder)).toEqual(['a'])
  })

  it('is null when it is not there', () => {
    expect(readFileIfThere(join(folder, 'none'))).toBeNull()
    expect(() => readFileIfThere(folder)).toThrow()
  })
})

describe('a private folder', () => {
  it('is made for its owner only, and refused when others can look into it', () => {
    const path = join(folder, 'deep', 'data')
    makePrivateFolder(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    makePrivateFolder(path)
    chmodSync(path, 0o750)
    expect(() => makePrivateFolder(path)).toThrow(expect.objectContaining({ code: 'permissions-too-open' }))
    symlinkSync(folder, join(folder, 'link'))
    expect(() => makePrivateFolder(join(folder, 'link'))).toThrow(
      expect.objectContaining({ code: 'permissions-too-open' }),
    )
  })
})
