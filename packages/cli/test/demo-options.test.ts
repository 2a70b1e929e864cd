import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DemoMisuse, readOptions } from '../demo/options.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-demo-options-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function file(text: string): string {
  writeFileSync(join(folder, 'key'), text)
  return join(folder, 'key')
}
const { privateKey } = generateKeyPairSync('ed25519')

describe('the demo', () => {
  it('takes a key without passphrase, and knows its options', () => {
    const key = file(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())
    expect(readOptions(['--key', key, '--once'])).toEqual({ once: true, key })
    expect(readOptions([])).toEqual({ once: false, key: null })
    expect(readOptions(['--help'])).toBeNull()
  })

  it('refuses what it could not ferry before it starts', () => {
    const passphrase = { cipher: 'aes-256-cbc', passphrase: 'x' }
    const locked = file(privateKey.export({ format: 'pem', type: 'pkcs8', ...passphrase }).toString())
    expect(() => readOptions(['--key', locked])).toThrow(/has a passphrase/)
    expect(() => readOptions(['--key', file('nothing')])).toThrow(DemoMisuse)
    expect(() => readOptions(['--key', join(folder, 'none')])).toThrow(DemoMisuse)
    expect(() => readOptions(['--key', folder])).toThrow(DemoMisuse)
    expect(() => readOptions(['--bogus'])).toThrow(DemoMisuse)
  })

  it('says so in words', () => {
    const demo = fileURLToPath(new URL('../demo/demo.ts', import.meta.url))
    const run = (): unknown => execFileSync(process.execPath, [demo, '--bogus'], { stdio: 'pipe', encoding: 'utf8' })
    expect(run).toThrow(
      expect.objectContaining({ status: 2, stderr: expect.stringMatching(/^demo: not started: .*\nnpm run demo/) }),
    )
  })
})
