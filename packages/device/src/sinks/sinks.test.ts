import { generateKeyPairSync } from 'node:crypto'
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
import { writePkcs8 } from '../keys/private-key.ts'
import { readKeyFile } from '../keys/read-key-file.ts'
import type { OutgoingKey } from './sink.ts'
import { makeSinks } from './sinks.ts'

const SSH: OutgoingKey = {
  type: 'private',
  octets: writePkcs8(generateKeyPairSync('ed25519').privateKey),
  label: 'ssh laptop',
}
const SECRET: OutgoingKey = { type: 'secret', octets: new Uint8Array([0, 1, 2, 255]), label: 'vault' }
const written: Uint8Array[] = []
const sinks = makeSinks((octets) => written.push(octets.slice()))
const withCode = (code: string): unknown => expect.objectContaining({ code })

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-sinks-'))
  path = join(folder, 'key')
  written.length = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the file sink', () => {
  it('writes what SSH knows as SSH does, for its owner only', () => {
    expect(sinks.file.put(SSH, { path })).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/)
    expect(readKeyFile(readFileSync(path))).toMatchObject({ octets: SSH.octets, comment: 'ssh laptop' })
  })

  it('writes PEM when asked, and secrets as they are', () => {
    sinks.file.put(SSH, { path, format: 'pem' })
    expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    sinks.file.put(SECRET, { path, force: true })
    expect(new Uint8Array(readFileSync(path))).toEqual(SECRET.octets)
  })

  it('leaves another file alone unless forced', () => {
    writeFileSync(path, 'mine', { mode: 0o600 })
    expect(() => sinks.file.put(SSH, { path })).toThrow(withCode('file-exists'))
    expect(readFileSync(path, 'utf8')).toBe('mine')
    sinks.file.put(SSH, { path, force: true })
    expect(readKeyFile(readFileSync(path)).octets).toEqual(SSH.octets)
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('is content if the key is there already, but not if others can read it or it is a link', () => {
    sinks.file.put(SSH, { path, format: 'pem' })
    const before = readFileSync(path)
    expect(sinks.file.put(SSH, { path })).toBe(path)
    expect(readFileSync(path)).toEqual(before)
    symlinkSync(path, join(folder, 'link'))
    expect(() => sinks.file.put(SSH, { path: join(folder, 'link') })).toThrow(withCode('file-exists'))
    chmodSync(path, 0o644)
    expect(() => sinks.file.put(SSH, { path })).toThrow(withCode('file-exists'))
  })
})

describe('the other sinks', () => {
  it('leave a key sealed where it is, or write it where it was asked for', () => {
    sinks.keystore.put(SECRET, {})
    expect(written).toEqual([])
    sinks.stdout.put(SECRET, {})
    expect(written).toEqual([SECRET.octets])
  })
})
