import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { countIn, needlesOf } from '../demo/needles.ts'
import { searchFiles } from '../demo/search-files.ts'
import { searchMemory } from '../demo/search-memory.ts'

const SECRET = randomBytes(32)

it.each([
  ['as it is', (secret: Buffer) => secret],
  ['as digits', (secret: Buffer) => Buffer.from(secret.toString('hex'))],
  ['as base64', (secret: Buffer) => Buffer.from(secret.toString('base64'))],
  ['inside base64url', (secret: Buffer) => Buffer.from(Buffer.concat([randomBytes(16), secret]).toString('base64url'))],
  [
    'inside base64',
    (secret: Buffer) => Buffer.from(Buffer.concat([randomBytes(17), secret, secret]).toString('base64')),
  ],
])('finds a secret %s', (_, form) => {
  const haystack = Buffer.concat([randomBytes(99), form(SECRET), randomBytes(99)])
  expect(countIn(haystack, needlesOf(SECRET))).toBeGreaterThan(0)
  expect(countIn(haystack, needlesOf(randomBytes(32)))).toBe(0)
})

it('finds a secret in a file, however deep', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-search-'))
  try {
    mkdirSync(join(folder, 'a', 'b'), { recursive: true })
    writeFileSync(join(folder, 'a', 'b', 'db-wal'), SECRET)
    expect(searchFiles(folder, needlesOf(SECRET))).toMatchObject({ octets: 32, found: 1 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it.skipIf(process.platform !== 'linux')('finds a secret that a process holds in memory', async () => {
  const half = `Buffer.from(process.argv[1], 'hex').map((octet) => octet ^ 0xff)`
  const program = `const secret = ${half}; console.log('ready'); setTimeout(() => secret, 20000)`
  const masked = Buffer.from(SECRET.map((octet) => octet ^ 0xff)).toString('hex')
  const child: ChildProcess = spawn(process.execPath, ['-e', program, masked], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    const memory = searchMemory(child.pid ?? 0, needlesOf(SECRET))
    if (memory === null) return // this system shows no memory of others
    expect(memory.found).toBeGreaterThan(0)
    expect(memory.octets).toBeGreaterThan(1_000_000)
  } finally {
    child.kill()
  }
})
