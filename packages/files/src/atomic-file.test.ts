import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFileIfThere, writeFileAtomically } from './atomic-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const OLD = new TextEncoder().encode('old')
const NEW = new TextEncoder().encode('new')
const taken = expect.objectContaining({ code: 'EEXIST' })

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
    expect(() => writeFileAtomically(path, NEW, 'fail')).toThrow(taken)
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
    expect(failing(join(folder, 'file'))).toMatchObject({ code: 'EEXIST', path: join(folder, 'file') })
  })

  it('does not follow a link that waits at its name', () => {
    const elsewhere = join(folder, 'elsewhere')
    writeFileSync(elsewhere, OLD)
    symlinkSync(elsewhere, join(folder, 'a'))
    expect(() => writeFileAtomically(join(folder, 'a'), NEW, 'fail')).toThrow(taken)
    writeFileAtomically(join(folder, 'a'), NEW, 'replace')
    expect(readFileSync(elsewhere, 'utf8')).toBe('old')
  })

  it('is null when it is not there', () => {
    writeFileAtomically(join(folder, 'a'), NEW, 'fail')
    expect(readFileIfThere(join(folder, 'a'))?.toString()).toBe('new')
    expect(readFileIfThere(join(folder, 'none'))).toBeNull()
    expect(() => readFileIfThere(folder)).toThrow(expect.objectContaining({ code: 'EISDIR' }))
  })
})
