import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { filedBefore, fileName } from './install-rules.ts'

const ID = '8vcTjzrkXOKMsr_iCF4rn_6KgLCQfffDXMTeM6-57fA/0tpbn4f2neatkmt5s8z6wygmzj'

it.each([
  ['ssh laptop', 'ssh-laptop'],
  ['../../etc/passwd', 'etc-passwd'],
  ['..', '0tpbn4f2'],
  ['.ssh', 'ssh'],
  ['a\0b\nc', 'a-b-c'],
  ['-rf', 'rf'],
  ['clé 漢', 'clé-漢'],
])('files a key labelled %j as %s, inside its folder', (label, name) => {
  expect(fileName(label, ID)).toBe(name)
})

it('finds a key that was filed before only in its folder, and only this generation of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-'))
  try {
    const file = join(folder, 'private-0tpbn4')
    writeFileSync(file, 'sixteen octets..', { mode: 0o600 })
    const record = { key: { id: ID, generation: 1, type: 'secret' }, file } as never
    const holding = (octets: string): never => ({ device: { exportKey: () => Buffer.from(octets) } }) as never
    expect(filedBefore(holding('sixteen octets..'), record, { folder })).toBe(file)
    expect(filedBefore(holding('another sixteen.'), record, { folder })).toBeNull()
    expect(filedBefore(holding('sixteen octets..'), record, { folder: tmpdir() })).toBeNull()
    expect(filedBefore(holding('sixteen octets..'), record, { folder: null })).toBeNull()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
