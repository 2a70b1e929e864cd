import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { writePkcs8 } from './private-key.ts'
import { keyFileForm, readKeyFile } from './read-key-file.ts'
import { writeKeyFile } from './write-key-file.ts'

const OPENSSL = '/usr/bin/openssl'
const octets = (text: string): Uint8Array => new TextEncoder().encode(text)
/** Made for this test. */
const AGE = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX'
const failsWith = (code: string): unknown => expect.objectContaining({ name: 'DeviceError', code })

describe('a key file', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = writePkcs8(privateKey)
  const passphrase = octets('correct horse')

  it.each([
    ['openssh', writeKeyFile('private', der, 'auto', 'c')],
    ['pem', writeKeyFile('private', der, 'pem', '')],
    ['pem', octets(privateKey.export({ format: 'pem', type: 'sec1' }).toString())],
    ['pkcs8', der],
  ])('is known by its look: %s', (form, file) => {
    expect(keyFileForm(file)).toBe(form)
    expect(readKeyFile(file)).toMatchObject({ form, type: 'private', octets: der })
  })

  it.skipIf(!existsSync(OPENSSL)).each(['prime256v1', 'secp384r1'])(
    'is read behind the parameters of its curve, as openssl writes them: %s',
    (name) => {
      const file = execFileSync(OPENSSL, ['ecparam', '-genkey', '-name', name], { stdio: 'pipe' })
      expect(file.toString()).toMatch(/^-----BEGIN EC PARAMETERS-----/)
      const expected = writePkcs8(createPrivateKey(file.subarray(file.indexOf('-----BEGIN EC PRIVATE'))))
      expect(readKeyFile(file)).toMatchObject({ form: 'pem', type: 'private', octets: expected })
      expect(() => readKeyFile(file, { type: 'secret' })).toThrow(failsWith('key-format-unknown'))
    },
  )

  it('with a private key of an unknown form is not said to be a secret', () => {
    const file = octets('-----BEGIN DSA PRIVATE KEY-----\nMFkw\n-----END DSA PRIVATE KEY-----\n')
    expect(() => readKeyFile(file)).toThrow(expect.objectContaining({ code: 'key-format-unknown', hint: null }))
  })

  it('in encrypted PEM opens with its passphrase only', () => {
    const file = octets(
      privateKey
        .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'correct horse' })
        .toString(),
    )
    expect(readKeyFile(file, { passphrase }).octets).toEqual(der)
    expect(() => readKeyFile(file)).toThrow(failsWith('key-encrypted'))
    expect(() => readKeyFile(file, { passphrase: octets('wrong') })).toThrow(failsWith('passphrase-wrong'))
  })

  it.skipIf(!existsSync(OPENSSL))('as old OpenSSL encrypted it opens too, with openssl (Debian: openssl)', () => {
    const input = privateKey.export({ format: 'pem', type: 'sec1' })
    const file = execFileSync(OPENSSL, ['ec', '-aes128', '-passout', 'pass:correct horse'], { input, stdio: 'pipe' })
    expect(file.toString()).toContain('Proc-Type: 4,ENCRYPTED')
    expect(readKeyFile(file, { passphrase }).octets).toEqual(der)
    expect(() => readKeyFile(file)).toThrow(failsWith('key-encrypted'))
    expect(() => readKeyFile(file, { passphrase: octets('wrong') })).toThrow(failsWith('passphrase-wrong'))
  })

  it('of age may have comments, and gives its line alone', () => {
    const file = octets(`# created: 2026-11-24\n# public key: age1\r\n\n${AGE}\r\n`)
    expect(readKeyFile(file)).toMatchObject({ form: 'age', type: 'age', octets: octets(AGE) })
    expect(new TextDecoder().decode(writeKeyFile('age', octets(AGE), 'auto', ''))).toBe(`${AGE}\n`)
    expect(() => readKeyFile(octets(`${AGE}\n${AGE}\n`))).toThrow(failsWith('key-format-unknown'))
    expect(() => readKeyFile(octets(`something\n${AGE}\n`))).toThrow(failsWith('key-format-unknown'))
    expect(() => readKeyFile(octets('age-encryption.org/v1\n-> scrypt'))).toThrow(failsWith('key-encrypted'))
  })

  it('without a form needs its owner to say what it is', () => {
    const file = new Uint8Array(randomBytes(32))
    file[0] = 0
    expect(() => readKeyFile(file)).toThrow(failsWith('key-format-unknown'))
    expect(() => readKeyFile(file, { type: 'private' })).toThrow(failsWith('key-format-unknown'))
    expect(readKeyFile(file, { type: 'aes' })).toEqual({ form: 'octets', type: 'aes', octets: file, comment: '' })
  })

  it.each([
    ['of SSH', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ marta@laptop'],
    ['in PEM', '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----'],
    ['in a certificate', '-----BEGIN CERTIFICATE-----\nMFkw\n-----END CERTIFICATE-----'],
    ['of age', 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
  ])('with a public key %s is said to be one, whatever its owner says', (_, text) => {
    expect(() => readKeyFile(octets(text))).toThrow(failsWith('key-is-public'))
    expect(() => readKeyFile(octets(text), { type: 'secret' })).toThrow(failsWith('key-is-public'))
  })

  it('of a known form is not taken for something else', () => {
    expect(() => readKeyFile(der, { type: 'secret' })).toThrow(failsWith('key-format-unknown'))
    expect(() => readKeyFile(octets(AGE), { type: 'private' })).toThrow(failsWith('key-format-unknown'))
  })

  it('must not be empty or huge', () => {
    expect(() => readKeyFile(new Uint8Array(), { type: 'secret' })).toThrow(failsWith('key-format-unknown'))
    expect(() => readKeyFile(new Uint8Array(70_000), { type: 'secret' })).toThrow(failsWith('key-format-unknown'))
  })

  it('of a kind that SSH does not know is written as PEM', () => {
    const key = generateKeyPairSync('x25519').privateKey
    const file = writeKeyFile('private', writePkcs8(key), 'auto', '')
    expect(createPrivateKey(Buffer.from(file)).equals(key)).toBe(true)
    expect(readKeyFile(file).octets).toEqual(writePkcs8(key))
  })
})
