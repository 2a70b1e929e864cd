import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { utf8 } from '@keyferry/protocol'
import { describe, expect, it } from 'vitest'
import { readEncryptedPem, writeEncryptedPem } from './encrypted-pkcs8.ts'
import { writePkcs8 } from './private-key.ts'

const PKCS8 = writePkcs8(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)

describe('a private key under a passphrase', () => {
  it('comes back, with that passphrase only', async () => {
    const pem = await writeEncryptedPem(PKCS8, utf8('zoë’s horse'))
    expect(readEncryptedPem(pem, utf8('zoë’s horse'))).toEqual(PKCS8)
    expect(() => readEncryptedPem(pem, utf8('zoe’s horse'))).toThrow(
      expect.objectContaining({ code: 'passphrase-wrong' }),
    )
    expect(() => readEncryptedPem(utf8('hello'), utf8('x'))).toThrow(
      expect.objectContaining({ code: 'key-format-unknown' }),
    )
  })

  it('is what OpenSSL opens', async () => {
    const pem = await writeEncryptedPem(PKCS8, utf8('horse'))
    const arguments_ = ['pkey', '-passin', 'pass:horse', '-outform', 'DER']
    const { status, stdout } = spawnSync('openssl', arguments_, { input: pem, timeout: 20_000 })
    expect(status).toBe(0)
    const reread = spawnSync('openssl', ['pkey', '-inform', 'DER', '-pubout', '-outform', 'DER'], { input: stdout })
    const mine = spawnSync('openssl', ['pkey', '-inform', 'DER', '-pubout', '-outform', 'DER'], { input: PKCS8 })
    expect(reread.stdout).toEqual(mine.stdout)
    expect(mine.stdout.length).toBeGreaterThan(0)
  })

  it('says nothing of the key, and is another one each time', async () => {
    const [a, b] = [await writeEncryptedPem(PKCS8, utf8('horse')), await writeEncryptedPem(PKCS8, utf8('horse'))]
    expect(a).not.toEqual(b)
    expect(Buffer.from(a).toString()).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
  })
})
