import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeFileAtomically } from './atomic-file.ts'
import { makePrivateFolder } from './private-place.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-server-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const NEW = new TextEncoder().encode('new')

describe('a file of the server', () => {
  it('is refused by a code of its own where one is already, and only then', () => {
    const path = join(folder, 'a')
    writeFileSync(path, 'old')
    expect(() => writeFileAtomically(path, NEW, 'fail')).toThrow(
      expect.objectContaining({ name: 'SetupError', code: 'file-exists', hint: `look at ${path}` }),
    )
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect(() => writeFileAtomically(join(folder, 'none', 'a'), NEW, 'fail')).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    )
  })
})

describe('a private folder', () => {
  it('is made for its owner only, and refused when others can look into it', () => {
    const path = join(folder, 'deep', 'data')
    makePrivateFolder(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    makePrivateFolder(path)
    chmodSync(path, 0o750)
    expect(() => makePrivateFolder(path)).toThrow(tooOpen(`if nobody else has read it: chmod 700 ${path}`))
    const link = join(folder, 'link')
    symlinkSync(folder, link)
    expect(() => makePrivateFolder(link)).toThrow(tooOpen(`${link} has to belong to you, and to be no link`))
  })
})

function tooOpen(hint: string): unknown {
  return expect.objectContaining({ name: 'SetupError', code: 'permissions-too-open', hint })
}
