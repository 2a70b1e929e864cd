import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exposureOf, makeFolder } from './private-place.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a private place', () => {
  it('is one that only its owner can read and change', () => {
    mkdirSync(join(folder, 'own'), { mode: 0o700 })
    writeFileSync(join(folder, 'own', 'file'), '', { mode: 0o600 })
    expect(exposureOf(join(folder, 'own'))).toBeNull()
    expect(exposureOf(join(folder, 'own', 'file'))).toBeNull()
  })

  it.each([0o750, 0o705, 0o720, 0o701])('is none with mode %o, for a folder as for a file', (mode) => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    chmodSync(file, mode)
    expect(exposureOf(file)).toEqual({ kind: 'open', chmod: '600' })
    chmodSync(folder, mode)
    expect(exposureOf(folder)).toEqual({ kind: 'open', chmod: '700' })
  })

  it('is no link, wherever that leads', () => {
    mkdirSync(join(folder, 'own'), { mode: 0o700 })
    symlinkSync(join(folder, 'own'), join(folder, 'link'))
    expect(exposureOf(join(folder, 'link'))).toEqual({ kind: 'foreign' })
  })
})

describe('a folder that is made', () => {
  it('is of its owner only, and so are those that lead to it; one that is there stays', () => {
    const path = join(folder, 'a', 'b', 'c')
    makeFolder(path)
    for (const made of [path, join(folder, 'a', 'b'), join(folder, 'a')])
      expect(statSync(made).mode & 0o777).toBe(0o700)
    chmodSync(path, 0o755)
    makeFolder(path)
    expect(statSync(path).mode & 0o777).toBe(0o755)
  })

  it('is none where a file is in the way', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => makeFolder(join(folder, 'file'))).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    expect(() => makeFolder(join(folder, 'file', 'a'))).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
  })
})
